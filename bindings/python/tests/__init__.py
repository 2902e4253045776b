"""Tests of the binding, against the installed library or the one that FASTSKIP_LIBRARY names."""
