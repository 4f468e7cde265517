//! Finds the recorded request that is most like one that was not recorded.

use super::shape::Shape;

/// Returns the position of the closest request, and how `got` differs from it.
pub(super) fn closest<'a>(
    recorded: impl Iterator<Item = &'a Shape>,
    got: &Shape,
) -> Option<(usize, Vec<String>)> {
    let distances = recorded.enumerate().map(|(index, shape)| {
        let differences = shape.differences(got);
        (distance(shape, got, differences.len()), index, differences)
    });
    // The first of several equally close ones, as the reader would look for it.
    let closest = distances.min_by_key(|(distance, index, _)| (*distance, *index));
    closest.map(|(_, index, differences)| (index, differences))
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
