"""Who is calling: keys, sessions, roles, and the store that remembers them."""
