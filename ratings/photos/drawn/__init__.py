"""Pictures that PAV draws itself, from noise and geometry with fixed seeds: something to swipe before anybody brings photos."""
