//! Process tests: what the built command does, seen from outside.
