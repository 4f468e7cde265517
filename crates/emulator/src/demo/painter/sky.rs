//! The sky: sun or moon, stars and clouds.

use super::Canvas;
use crate::demo::color::{Color, lighten, mix, smooth};
use crate::demo::noise::{hash, layered};

impl Canvas<'_> {
    /// Returns the color of the sky.
    pub(super) fn sky(&self, u: f32, v: f32) -> Color {
        let scene = self.scene;
        let height = (v / scene.horizon).clamp(0.0, 1.0);
        let mut color = if height < 0.55 {
            mix(scene.zenith, scene.middle, height / 0.55)
        } else {
            mix(scene.middle, scene.haze, (height - 0.55) / 0.45)
        };
        let (dx, dy) = (u - scene.sun.0 * self.width / self.height, v - scene.sun.1);
        let distance = (dx * dx + dy * dy).sqrt();
        color = mix(color, scene.glow, 0.55 * (-distance * 4.2).exp() + 0.25 * (-distance * 14.0).exp());
        if scene.night {
            color = lighten(color, self.stars(u, v) * (1.0 - 0.7 * height));
        }
        let disk = scene.sun_size;
        let edge = smooth(disk, disk * 0.94, distance);
        if edge > 0.0 {
            let spots = if scene.night { 0.25 * layered(dx * 40.0 + 9.0, dy * 40.0, 77, 3) } else { 0.0 };
            color = mix(color, scene.disk.map(|part| part * (1.0 - spots)), edge);
        }
        self.clouds(color, u, v, height, distance)
    }

    /// Returns the brightness of the stars.
    fn stars(&self, u: f32, v: f32) -> f32 {
        let (i, j) = ((u * 90.0).floor(), (v * 90.0).floor());
        let (column, row) = (i as i32, j as i32);
        if hash(column, row, self.seed) < 0.8 {
            return 0.0;
        }
        let (x, y) =
            (0.2 + 0.6 * hash(column, row, self.seed ^ 1), 0.2 + 0.6 * hash(column, row, self.seed ^ 2));
        let (dx, dy) = (u * 90.0 - i - x, v * 90.0 - j - y);
        let size = 0.03 + 0.09 * hash(column, row, self.seed ^ 3).powi(4);
        (1.1 - (dx * dx + dy * dy).sqrt() / size).clamp(0.0, 1.0)
    }

    /// Covers a color of the sky with clouds.
    fn clouds(&self, color: Color, u: f32, v: f32, height: f32, distance: f32) -> Color {
        let scene = self.scene;
        if scene.clouds <= 0.0 {
            return color;
        }
        // Clouds flatten toward the horizon.
        let stretch = 1.0 / (1.12 - height).max(0.12);
        let (x, y) = (u * 1.5 * stretch.sqrt() + 7.0, v * 3.4 * stretch);
        let bend = layered(x * 1.3, y * 1.3, self.seed ^ 11, 2);
        let density = layered(x + bend, y + bend * 0.6, self.seed ^ 12, self.octaves);
        let cover =
            smooth(0.62 - 0.22 * scene.clouds, 0.86 - 0.16 * scene.clouds, density) * (1.0 - height.powi(6));
        let lit = mix(scene.cloud, scene.glow, 0.75 * (-distance * 2.6).exp());
        let shade = mix(lit, scene.middle, 0.5 * smooth(0.6, 0.95, density));
        mix(color, shade, cover * 0.85)
    }
}
