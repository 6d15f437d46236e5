# The project with a headline that draws from the global generator: not reproducible.
# loses: headline-tests

# %% headline
def headline(seed):
    return float(np.random.normal(seed))
