"""config.yml and the environment, read once into frozen settings."""
