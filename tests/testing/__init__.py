"""Tests of the kit with which people test sources of their own."""
