"""Solves the few linear equations of an implicit step, in plain floats."""


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Return x of ``matrix x = right``; both are used up. No pivoting: diagonals are large."""
    count = len(right)
    for i in range(count):
        row, pivot = matrix[i], matrix[i][i]
        for k in range(i + 1, count):
            below = matrix[k]
            if below[i] == 0.0:
                continue
            part = below[i] / pivot
            for j in range(i + 1, count):
                below[j] -= part * row[j]
            right[k] -= part * right[i]
    for i in range(count - 1, -1, -1):
        row, total = matrix[i], right[i]
        for j in range(i + 1, count):
            total -= row[j] * right[j]
        right[i] = total / row[i]
    return right
