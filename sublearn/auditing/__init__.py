"""Audits of a dataset before anybody trains on it: what is asked, how it is scored, and what a score is held against.

Not called `audit`: a package and a public name of one spelling hide each other.
"""
