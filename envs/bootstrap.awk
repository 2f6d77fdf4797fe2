# The installers of the environment, cut out of the lock with their hashes: they go in before the rest.
/^[A-Za-z0-9]/ { wanted = $0 ~ /^(pip|setuptools|wheel|packaging)==/ }
wanted && !/^ *#/ { print }
