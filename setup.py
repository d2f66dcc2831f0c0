"""For pip; everything is said in pyproject.toml. colcon builds by CMakeLists.txt."""

from setuptools import setup

setup()
