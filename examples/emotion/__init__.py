"""The 312 features of a speech-emotion project, as there and faster."""
