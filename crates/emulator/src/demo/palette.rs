//! Colors, and the palette that a training learns.

/// Red, green and blue from 0 to 1.
pub(super) type Color = [f32; 3];

/// Returns the color that has `share` of `to` and the rest of `from`.
pub(super) fn mix(from: Color, to: Color, share: f32) -> Color {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|part| from[part] + (to[part] - from[part]) * share)
}

/// The average colors of the top, middle and bottom of images.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(super) struct Palette {
    pub(super) top: Color,
    pub(super) middle: Color,
    pub(super) bottom: Color,
}

impl Palette {
    /// Averages the colors of images. Returns `None` without any.
    pub(super) fn of(images: &[image::RgbImage]) -> Option<Self> {
        let band = |from: f32, to: f32| {
            let (mut sum, mut count) = ([0.0f64; 3], 0u64);
            for image in images {
                let row = |share: f32| (image.height() as f32 * share) as u32;
                for y in row(from)..row(to).max(row(from) + 1).min(image.height()) {
                    for x in 0..image.width() {
                        let pixel = image.get_pixel(x, y).0;
                        sum = [0, 1, 2].map(|part| sum[part] + f64::from(pixel[part]));
                        count += 1;
                    }
                }
            }
            sum.map(|part| (part / count.max(1) as f64 / 255.0) as f32)
        };
        let palette = || Self { top: band(0.0, 0.33), middle: band(0.33, 0.66), bottom: band(0.66, 1.0) };
        (!images.is_empty()).then(palette)
    }
}
