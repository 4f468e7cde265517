//! Finds the recorded request that is most like one that was not recorded.

use std::collections::HashMap;

use super::shape::Shape;

/// Returns the position of the closest request, and how `got` differs from it. `recorded` has the differences of each.
pub(super) fn closest<'a>(
    recorded: impl Iterator<Item = (&'a Shape, Vec<String>)>,
    got: &Shape,
) -> Option<(usize, Vec<String>)> {
    let distances = recorded.enumerate().map(|(index, (shape, differences))| {
        (distance(shape, got, differences.len()), index, shape, differences)
    });
    let distances: Vec<_> = distances.collect();
    let least = distances.iter().map(|(distance, ..)| *distance).min()?;
    let mut equal: Vec<_> = distances.into_iter().filter(|(distance, ..)| *distance == least).collect();
    if equal.len() > 1 {
        let text = got.text();
        // The sort is stable: the first of several, as the reader would look for it.
        equal.sort_by_cached_key(|(_, _, shape, _)| unlikeness(&shape.text(), &text));
    }
    equal.into_iter().next().map(|(_, index, _, differences)| (index, differences))
}

/// Counts the pairs of adjacent bytes that only one of two texts has.
fn unlikeness(expected: &[u8], got: &[u8]) -> u64 {
    let mut counts: HashMap<&[u8], i64> = HashMap::new();
    for (text, one) in [(expected, 1), (got, -1)] {
        for pair in text.windows(2) {
            *counts.entry(pair).or_default() += one;
        }
    }
    counts.into_values().map(i64::unsigned_abs).sum()
}

/// A different path counts more than a different method, and both more than different bodies.
fn distance(recorded: &Shape, got: &Shape, differences: usize) -> usize {
    let (expected, actual) = (segments(&recorded.path), segments(&got.path));
    let same = expected.iter().zip(&actual).filter(|(expected, actual)| expected == actual).count();
    let other_segments = expected.len().max(actual.len()) - same;
    1000 * other_segments + 100 * usize::from(recorded.method != got.method) + differences.min(99)
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').collect()
}
