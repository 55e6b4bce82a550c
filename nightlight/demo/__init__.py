"""The demo: the whole service with invented authorities, sites, children and people, and one child registered at each start.

`nightlight demo` (and so `make run`) calls `run_demo`. A production store refuses it.
"""

from nightlight.demo.run import run_demo

__all__ = ["run_demo"]
