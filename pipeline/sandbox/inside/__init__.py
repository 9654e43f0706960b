"""What runs inside the sandbox, on the system's own Python, with nothing but the standard library (3.9 or later).

`boot.load_sources` hands the sources of these modules to a bare interpreter over a descriptor, so that nothing of ours
has to be mounted. They are ordinary modules here for the type checker and the tests.
"""
