# Homework 1, right, with fifty megabytes of output, in many lines and in one.
# loses:

# %% drift-step
def drift_step(p, n, rng):
    return rng.multinomial(n, p) / n

for line in range(200_000):
    print(line, "and what the shares are, again and again, just to be sure that they are right")
print("x" * 30_000_000)

# %% log-drift
def log_drift(n, ddof):
    return digamma((n - 1) / 2) + np.log(2) - np.log(n - ddof)

print("y" * 2_000_000)
