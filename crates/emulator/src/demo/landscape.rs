//! Paints a landscape with the words of a prompt.

use image::{Rgb, RgbImage};

use super::noise::{hash, layered};
use super::palette::{Color, Palette, mix};
use super::random::Random;

/// The size of an image and how it is painted.
pub(super) struct Style {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The strength of the colors; 1 is natural.
    pub(super) saturation: f32,
    /// The number of noise scales, 1 to 6.
    pub(super) octaves: u32,
}

/// Words, and the colors of the zenith, of the air at the horizon, and of sun or moon.
const LIGHTS: [(&[&str], [Color; 3]); 4] = [
    (
        &["night", "star", "moon", "space", "dark"],
        [[0.01, 0.02, 0.08], [0.16, 0.25, 0.42], [0.95, 0.95, 0.88]],
    ),
    (
        &["sunset", "dusk", "evening", "fire", "golden", "red"],
        [[0.18, 0.13, 0.38], [0.98, 0.55, 0.32], [1.0, 0.88, 0.62]],
    ),
    (
        &["dawn", "sunrise", "morning", "pink", "mist"],
        [[0.24, 0.32, 0.56], [0.99, 0.78, 0.66], [1.0, 0.94, 0.82]],
    ),
    (
        &["day", "noon", "summer", "blue", "sunny"],
        [[0.13, 0.38, 0.74], [0.80, 0.90, 0.96], [1.0, 0.99, 0.93]],
    ),
];
const GROUNDS: [(&[&str], Color); 4] = [
    (&["forest", "tree", "wood", "jungle", "green", "meadow", "garden"], [0.16, 0.33, 0.20]),
    (&["desert", "dune", "sand", "canyon", "mars"], [0.66, 0.38, 0.20]),
    (&["snow", "winter", "ice", "arctic"], [0.62, 0.68, 0.78]),
    (&["mountain", "rock", "alps", "peak", "city", "town"], [0.24, 0.29, 0.38]),
];
const WATER: &[&str] = &[
    "sea", "ocean", "lake", "harbo", "river", "beach", "coast", "water", "bay", "island", "boat", "ship",
    "heron",
];
const CITY: &[&str] = &["city", "town", "skyline", "street", "tower", "tokyo", "york", "london", "paris"];
const TREES: &[&str] = &["forest", "tree", "wood", "pine", "fir", "jungle"];
const PEAKS: &[&str] = &["mountain", "alps", "peak", "cliff", "fjord", "volcano"];
const RANGES: usize = 4;

/// A landscape. Lengths are relative to the height of the image, from the top.
struct Scene {
    zenith: Color,
    haze: Color,
    sun: Color,
    ground: Color,
    is_night: bool,
    has_snow: bool,
    horizon: f32,
    waterline: f32,
    sun_at: (f32, f32),
    clouds: f32,
    octaves: u32,
    seed: u32,
    /// The upper edges of the ranges of hills by column, the farthest first.
    ranges: Vec<Vec<f32>>,
}

/// Paints the landscape that a prompt describes. The same prompt, seed and style give the same image.
pub(super) fn landscape(
    prompt: &str,
    negative: &str,
    palette: Option<Palette>,
    seed: i64,
    style: &Style,
) -> RgbImage {
    let mut random = Random::from_parts(&[prompt.as_bytes(), negative.as_bytes(), &seed.to_le_bytes()]);
    let scene = Scene::new(&prompt.to_lowercase(), &negative.to_lowercase(), palette, style, &mut random);
    let height = style.height as f32;
    let mut image = RgbImage::new(style.width, style.height);
    let waterline = (scene.waterline * height) as u32;
    for y in 0..style.height {
        for x in 0..style.width {
            let (u, v) = (x as f32 / height, y as f32 / height);
            let color =
                if y < waterline { scene.land(x as usize, u, v) } else { scene.water(&image, (x, y), u, v) };
            let gray = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2];
            // The reflection has the saturation of what it mirrors.
            let saturation = if y < waterline { style.saturation } else { 1.0 };
            let byte = |part: f32| ((gray + (part - gray) * saturation).clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            image.put_pixel(x, y, Rgb(color.map(byte)));
        }
    }
    image
}

impl Scene {
    fn new(
        wanted: &str,
        unwanted: &str,
        palette: Option<Palette>,
        style: &Style,
        random: &mut Random,
    ) -> Self {
        let has = |text: &str, words: &[&str]| {
            let mut parts = text.split(|c: char| !c.is_alphanumeric());
            parts.any(|part| words.iter().any(|word| part.starts_with(word)))
        };
        let wants = |words: &[&str]| has(wanted, words) && !has(unwanted, words);
        let named = LIGHTS.iter().position(|(words, _)| wants(words));
        let light = named.unwrap_or_else(|| 1 + random.index(3));
        let [mut zenith, mut haze, sun] = LIGHTS[light].1;
        let is_night = light == 0;
        let ground = GROUNDS.iter().find(|(words, _)| wants(words));
        let ground = ground.map_or_else(|| GROUNDS[random.index(4)].1, |(_, color)| *color);
        let mut ground = mix(ground, zenith, if is_night { 0.7 } else { 0.2 });
        if let Some(palette) = palette {
            zenith = mix(zenith, palette.top, 0.8);
            haze = mix(haze, palette.middle, 0.8);
            ground = mix(ground, palette.bottom, 0.8);
        }
        let has_peaks = wants(PEAKS);
        let horizon = random.between(0.48, 0.58);
        let has_water = wants(WATER) || (!has(unwanted, WATER) && random.unit() < 0.35);
        let is_low = matches!(light, 1 | 2);
        let relief = if has_peaks { 0.5 } else { random.between(0.2, 0.36) };
        let seed = random.next() as u32;
        let outline = |range: usize| {
            let near = (range + 1) as f32 / RANGES as f32;
            let floor = horizon + (1.0 - horizon) * (near - 0.25) * 0.55;
            let (salt, is_nearest) = (seed ^ (range as u32 * 977), range + 1 == RANGES);
            let rise = |u: f32| match is_nearest {
                true if wants(CITY) => skyline(u, salt),
                true if wants(TREES) => 0.05 * spike(u * 30.0, salt),
                _ => 0.0,
            };
            let hill = |u: f32| {
                let noise = layered(u * (1.2 + near) + 50.0 * near, 3.3, salt, 6);
                // Folding the noise makes crests.
                if near < 0.7 { 1.0 - (2.0 * noise - 1.0).abs() * 1.6 } else { noise }
            };
            let column = |x: u32| {
                let u = x as f32 / style.height as f32;
                floor - (hill(u) - 0.4) * relief * (1.15 - 0.75 * near) - rise(u)
            };
            (0..style.width).map(column).collect()
        };
        Self {
            zenith,
            haze,
            sun,
            ground,
            is_night,
            has_snow: has_peaks || wants(&["snow", "winter", "ice"]),
            horizon,
            waterline: if has_water { horizon + random.between(0.1, 0.15) } else { 1.0 },
            sun_at: (
                random.between(0.22, 0.78) * style.width as f32 / style.height as f32,
                if is_low { horizon - random.between(0.1, 0.2) } else { random.between(0.12, 0.26) },
            ),
            clouds: if has(unwanted, &["cloud"]) { 0.0 } else { random.between(0.3, 1.0) },
            octaves: style.octaves.clamp(1, 5),
            seed,
            ranges: (0..RANGES).map(outline).collect(),
        }
    }

    /// Returns the color of the hills, or of the sky behind them.
    fn land(&self, column: usize, u: f32, v: f32) -> Color {
        let Some(range) = (0..RANGES).rev().find(|range| v >= self.ranges[*range][column]) else {
            return self.sky(u, v);
        };
        let near = (range + 1) as f32 / RANGES as f32;
        let depth = v - self.ranges[range][column];
        let grain = layered(u * 16.0, v * 30.0, self.seed ^ range as u32, self.octaves.min(3)) - 0.5;
        let color = mix(self.ground, self.haze, (1.0 - near) * 0.85);
        let mut color = color.map(|part| part * (1.05 - 0.4 * near) * (1.0 + (0.2 + 0.3 * near) * grain));
        if self.has_snow && near < 0.7 {
            color = mix(color, [0.95, 0.96, 1.0], 0.85 * smooth(0.10, 0.04, depth + 0.12 * grain));
        }
        // Mist lies in the valleys.
        mix(color, self.haze, (1.0 - near) * smooth(0.0, 0.3, depth) * 0.5)
    }

    fn sky(&self, u: f32, v: f32) -> Color {
        let height = (v / self.horizon).clamp(0.0, 1.0);
        let (dx, dy) = (u - self.sun_at.0, v - self.sun_at.1);
        let distance = (dx * dx + dy * dy).sqrt();
        let glow = 0.6 * (-distance * 5.0).exp();
        let mut color = mix(mix(self.zenith, self.haze, height * height), self.sun, glow);
        if self.is_night && hash((u * 240.0) as i32, (v * 240.0) as i32, self.seed) > 0.995 {
            color = mix(color, self.sun, 1.0 - height);
        }
        color = mix(color, self.sun, smooth(0.047, 0.043, distance));
        // Clouds flatten toward the horizon.
        let stretch = 1.0 / (1.15 - height);
        let density = layered(u * 1.8 + 7.0, v * 3.5 * stretch, self.seed ^ 12, self.octaves);
        let cloud = mix(mix(self.haze, [1.0; 3], if self.is_night { 0.0 } else { 0.4 }), self.sun, glow);
        mix(color, cloud, 0.8 * self.clouds * smooth(0.48, 0.75, density) * (1.0 - height.powi(4)))
    }

    /// Returns the color of the water: what lies above it, mirrored, with ripples that grow toward the viewer.
    fn water(&self, image: &RgbImage, (x, y): (u32, u32), u: f32, v: f32) -> Color {
        let depth = (v - self.waterline) / (1.0 - self.waterline);
        let scale = 4.0 + 20.0 * (1.0 - depth);
        let wave = layered(u * scale, v * scale * 9.0, self.seed ^ 21, 2) - 0.5;
        let height = image.height() as f32;
        let above = (self.waterline - (v - self.waterline) * 0.9 + wave * 0.06 * depth) * height;
        let row = (above.max(0.0) as u32).min(y.saturating_sub(1)).min((self.waterline * height) as u32 - 1);
        let mirrored = image.get_pixel(x, row).0.map(|part| f32::from(part) / 255.0);
        let deep = mix(mix(self.zenith, [0.02, 0.16, 0.24], 0.4), self.ground, 0.25);
        let color = mix(mirrored, deep, 0.25 + 0.35 * depth);
        let across = u - self.sun_at.0;
        let path = (-across * across / (0.004 + 0.03 * depth)).exp();
        mix(color, self.sun, 0.8 * path * smooth(0.08, 0.3, wave))
    }
}

/// Returns 0 at `from`, 1 at `to` and a smooth step between.
fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Returns the height of a row of firs.
fn spike(at: f32, seed: u32) -> f32 {
    let tall = 0.4 + 0.6 * hash(at.floor() as i32, 1, seed);
    tall * (1.0 - (at.fract() * 2.0 - 1.0).abs())
}

/// Returns the height of a row of houses and towers.
fn skyline(u: f32, seed: u32) -> f32 {
    let row = |width: f32, salt: i32| {
        let tall = hash((u * width) as i32, salt, seed);
        if hash((u * width) as i32, salt + 1, seed) > 0.3 { 0.03 + 0.16 * tall * tall } else { 0.0 }
    };
    row(13.0, 1).max(row(21.0, 3))
}
