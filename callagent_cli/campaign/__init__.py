"""What happens to a contact, in order. No HTTP, no SQL, no printing, no clock of its own."""
