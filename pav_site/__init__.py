"""The site: settings, servers, embedded services, launcher."""
