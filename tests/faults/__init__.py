"""Seeded faults: kinds of wrong data, each with the check that must catch it.

Lives here: what is planted (a function per fault, by source), and the page that lists them. ``tests/integration``
plants each in a clean sample and holds the pipeline to what is said of it.
"""
