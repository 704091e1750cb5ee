# SPDX-License-Identifier: MIT
"""What vkgrid flatten computes, once more: from arrays of a subject and of fsaverage to images, in NumPy and double precision.

Written from the description (docs/flatten.md) and not from the program. Triangles are looked for among those with the nearest
centroids; the rotation comes from NumPy's singular value decomposition.
"""
import numpy
import scipy.spatial

CENTER = {'lh': ((-8.19, -83.55, -54.34), (36.55, -75.07, -55.03)), 'rh': ((-19.10, -77.49, -60.25), (28.41, -75.75, -58.78))}
NEAREST = 48  # triangles that a point is looked for in
EDGE = 1e-9


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True)


def solve(columns, points):
    """Weights of each point's three columns: (n, 3, 3) by (n, 3)."""
    return numpy.linalg.solve(columns, points[..., None])[..., 0]


def on_sphere(points, sphere, faces, values):
    """Values of a sphere's vertices at points of it: where the ray from 0 meets a triangle."""
    corners = sphere[faces]
    tree = scipy.spatial.cKDTree(unit(corners.mean(1)))
    directions = unit(points)
    _, nearest = tree.query(directions, k=NEAREST)
    result = numpy.full((len(points), values.shape[1]), numpy.nan)
    left = numpy.arange(len(points))
    for k in range(NEAREST):
        face = nearest[left, k]
        weights = solve(corners[face].transpose(0, 2, 1), directions[left])
        inside = (weights >= -1e-7 * numpy.abs(weights).max(1, keepdims=True)).all(1)
        found = weights[inside] / weights[inside].sum(1, keepdims=True)
        result[left[inside]] = (found[:, :, None] * values[faces[face[inside]]]).sum(1)
        left = left[~inside]
    assert not len(left)
    return result


def fit(points, targets):
    """points, moved rigidly to lie nearest to the targets."""
    center, other = points.mean(0), targets.mean(0)
    left, _, right = numpy.linalg.svd((points - center).T @ (targets - other))
    sign = numpy.sign(numpy.linalg.det(left @ right))
    return (points - center) @ (left @ numpy.diag([1, 1, sign]) @ right) + other


def flat_map(hemi, sphere, faces, radius):
    """(vertices, their points, faces of them)."""
    center, right = (numpy.array(each) for each in CENTER[hemi])
    z = unit(center)
    x = unit(right - (right @ z) * z)
    y = numpy.cross(z, x)
    kept = numpy.arccos(numpy.clip(sphere @ z / numpy.linalg.norm(sphere, axis=1).mean(), -1, 1)) < radius
    number = numpy.cumsum(kept) - 1
    return numpy.flatnonzero(kept), (sphere @ numpy.stack([x, y], 1))[kept], number[faces[kept[faces].all(1)]]


def pixels(points, faces, rows):
    """(pixels that are in a triangle, their triangle, weights): pixels of rows x rows are numbered row by row."""
    (xmin, ymin), (xmax, ymax) = points.min(0), points.max(0)
    x, y = numpy.meshgrid(numpy.linspace(xmin, xmax, rows), numpy.linspace(ymax, ymin, rows))
    places = numpy.stack([x.ravel(), y.ravel()], 1)
    radius = max(xmax - (ymin + ymax) / 2, ymax - (xmin + xmax) / 2)
    left = numpy.flatnonzero(numpy.hypot(*places.T) < radius)
    corners = points[faces]
    _, nearest = scipy.spatial.cKDTree(corners.mean(1)).query(places, k=NEAREST)
    which, weights = numpy.full(len(places), -1), numpy.zeros((len(places), 3))
    ones = numpy.ones((len(faces), 1, 3))
    matrices = numpy.concatenate([corners.transpose(0, 2, 1), ones], 1)
    for k in range(NEAREST):
        face = nearest[left, k]
        there = solve(matrices[face], numpy.concatenate([places[left], numpy.ones((len(left), 1))], 1))
        inside = (there >= -EDGE).all(1)
        which[left[inside]], weights[left[inside]] = face[inside], there[inside]
        left = left[~inside]
    inside = numpy.flatnonzero(which >= 0)
    return inside, which[inside], weights[inside]


def vertex_areas(points, faces):
    a, b, c = points[faces].transpose(1, 0, 2)
    third = numpy.linalg.norm(numpy.cross(b - a, c - a), axis=1) / 6
    return sum(numpy.bincount(faces[:, k], third, len(points)) for k in range(3))


def values_of(files, template):
    """{name: a number per vertex} of one hemisphere."""
    midgray = (files['white'][0] + files['pial'][0]) / 2
    target = on_sphere(files['sphere'][0], *template['sphere'], (template['white'][0] + template['pial'][0]) / 2)
    x, y, z = fit(midgray, target).T
    return {'x': x, 'y': y, 'z': z, 'curvature': files['curv'], 'convexity': files['sulc'] / files.get('sulc_unit', 1),
            'thickness': files['thickness'], 'surface_area': vertex_areas(midgray, files['white'][1])}


def images(subject, template, radius, rows, labels):
    """{name: image of rows x 2 rows}; labels: {name: key in varea}."""
    result = {}
    for hemi, offset in ('lh', 0), ('rh', rows):
        sphere, faces = subject[hemi]['sphere']
        vertices, points, faces = flat_map(hemi, sphere, faces, radius)
        inside, which, weights = pixels(points, faces, rows)
        corners = vertices[faces[which]]
        heaviest = corners[numpy.arange(len(which)), weights.argmax(1)]
        painted = {name: (weights * numpy.asarray(values, 'f8')[corners]).sum(1)
                   for name, values in values_of(subject[hemi], template[hemi]).items()}
        painted.update({name: 255 * (subject[hemi]['varea'][heaviest] == key) for name, key in labels.items()})
        for name, values in painted.items():
            half = numpy.zeros(rows * rows)
            half[inside] = values
            result.setdefault(name, numpy.zeros((rows, 2 * rows)))[:, offset:offset + rows] = half.reshape(rows, rows)
    return result
