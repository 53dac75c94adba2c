"""Rating studies: a design as one YAML file, participation, trials, exports."""
