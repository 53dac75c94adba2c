"""Whole task vectors in the forms that banks store, block by block."""

from personalize.networks.task_vectors import Vector, Weights, factors, quantised


def factorise(vector: Weights, rank: int) -> Vector:
    return {name: factors(value, rank) for name, value in vector.items()}


def quantise(vector: Weights) -> Vector:
    return {name: quantised(value) for name, value in vector.items()}
