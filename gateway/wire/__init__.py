"""Structs and helpers that are one to one with the bytes on the network."""
