"""The alarm of a dyad: cheap, weekly, from the model alone. It asks for codings; it proves nothing."""
