//! Colors.

/// Red, green and blue from 0 to 1.
pub(super) type Color = [f32; 3];

/// Returns the color that has `share` of `to` and the rest of `from`.
pub(super) fn mix(from: Color, to: Color, share: f32) -> Color {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|part| from[part] + (to[part] - from[part]) * share)
}

/// Adds light to a color.
pub(super) fn lighten(color: Color, light: f32) -> Color {
    color.map(|part| part + light)
}

/// Returns 0 at `from`, 1 at `to` and a smooth step between.
pub(super) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
