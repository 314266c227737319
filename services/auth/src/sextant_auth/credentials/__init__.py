"""How principals prove who they are: passwords, API keys, and the policies around them."""
