"""What signatures.py is made of: hostile words, the messages that carry them, and who reads them."""
