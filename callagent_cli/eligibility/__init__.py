"""Who may be called, and when: the rules, each of them pure. What is not known forbids."""
