pytest_plugins = ["tests.plugins.debian"]
