"""The Django project: settings, web server, workers, embedded services, and the commands that run them."""
