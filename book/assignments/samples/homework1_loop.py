# Homework 1 with an endless loop: one run that never ends, everything else right. The cell is interrupted
# after its time, and only its tests are lost.
# seconds: 20
# loses: winners-tests

# %% winners
def winners(p, n, runs, rng):
    while True:
        pass
