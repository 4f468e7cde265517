//! Derives a landscape from the words of a prompt.

use super::color::{Color, mix};
use super::random::Random;

/// What the nearest hills carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreground {
    Bare,
    Grass,
    Trees,
    City,
}

/// The parameters of a landscape. Lengths are relative to the height of the image, from the top.
pub(super) struct Scene {
    pub(super) zenith: Color,
    pub(super) middle: Color,
    /// The color of the air at the horizon.
    pub(super) haze: Color,
    pub(super) glow: Color,
    pub(super) disk: Color,
    pub(super) cloud: Color,
    pub(super) ground: Color,
    pub(super) deep: Color,
    pub(super) horizon: f32,
    pub(super) waterline: Option<f32>,
    pub(super) relief: f32,
    pub(super) ranges: u32,
    pub(super) sun: (f32, f32),
    pub(super) sun_size: f32,
    pub(super) clouds: f32,
    pub(super) snow: f32,
    pub(super) mist: f32,
    pub(super) night: bool,
    pub(super) foreground: Foreground,
    /// The number of boats.
    pub(super) boats: u32,
}

/// The colors of a time of day: zenith, middle, haze, glow, disk, cloud.
#[derive(Clone, Copy)]
struct Light([Color; 6]);

const DAWN: Light = Light([
    [0.20, 0.27, 0.50],
    [0.62, 0.52, 0.68],
    [0.99, 0.76, 0.62],
    [1.00, 0.83, 0.58],
    [1.00, 0.95, 0.83],
    [0.95, 0.72, 0.72],
]);
const DAY: Light = Light([
    [0.13, 0.38, 0.74],
    [0.38, 0.65, 0.90],
    [0.83, 0.91, 0.96],
    [1.00, 0.97, 0.86],
    [1.00, 0.99, 0.94],
    [0.98, 0.98, 1.00],
]);
const DUSK: Light = Light([
    [0.13, 0.11, 0.33],
    [0.56, 0.24, 0.45],
    [0.98, 0.53, 0.30],
    [1.00, 0.68, 0.30],
    [1.00, 0.90, 0.68],
    [0.78, 0.38, 0.45],
]);
const NIGHT: Light = Light([
    [0.01, 0.02, 0.07],
    [0.04, 0.09, 0.22],
    [0.17, 0.27, 0.43],
    [0.55, 0.66, 0.85],
    [0.96, 0.96, 0.90],
    [0.15, 0.20, 0.32],
]);

const GROUNDS: [(&[&str], Color); 5] = [
    (&["forest", "tree", "wood", "jungle", "green", "meadow", "garden", "grass"], [0.16, 0.33, 0.20]),
    (&["desert", "dune", "sand", "canyon", "mars", "savanna"], [0.66, 0.38, 0.20]),
    (&["snow", "winter", "ice", "arctic", "glacier"], [0.47, 0.55, 0.68]),
    (&["lavender", "purple", "violet", "magic", "dream"], [0.38, 0.24, 0.48]),
    (&["mountain", "rock", "cliff", "alps", "peak", "city", "town"], [0.24, 0.29, 0.38]),
];

const WATER_WORDS: &[&str] = &[
    "sea",
    "ocean",
    "lake",
    "harbour",
    "harbor",
    "river",
    "beach",
    "coast",
    "water",
    "bay",
    "island",
    "boat",
    "fjord",
    "reflection",
    "sail",
    "ship",
];
const CITY_WORDS: &[&str] = &[
    "city",
    "town",
    "skyline",
    "street",
    "tower",
    "building",
    "tokyo",
    "york",
    "london",
    "paris",
    "cyberpunk",
];
const TREE_WORDS: &[&str] = &["forest", "tree", "wood", "pine", "fir", "jungle"];
const NIGHT_WORDS: &[&str] =
    &["night", "star", "moon", "midnight", "galaxy", "space", "astronaut", "dark", "aurora"];
const DUSK_WORDS: &[&str] = &["sunset", "dusk", "evening", "fire", "golden", "orange", "red", "autumn"];
const DAWN_WORDS: &[&str] = &["dawn", "sunrise", "morning", "pink", "spring", "mist", "fog"];
const DAY_WORDS: &[&str] = &["day", "noon", "summer", "blue", "bright", "sunny"];

impl Scene {
    /// Builds a scene with the words of the prompt and without those of the negative prompt.
    pub(super) fn from_prompt(wanted: &str, unwanted: &str, random: &mut Random) -> Self {
        let (wanted, unwanted) = (wanted.to_lowercase(), unwanted.to_lowercase());
        let wants = |words: &[&str]| {
            let inside = |text: &str, word: &str| {
                text.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word))
            };
            words.iter().any(|word| inside(&wanted, word) && !inside(&unwanted, word))
        };
        let forbids = |words: &[&str]| words.iter().any(|word| unwanted.contains(word));
        let night = wants(NIGHT_WORDS);
        let light = if night {
            NIGHT
        } else if wants(DUSK_WORDS) {
            DUSK
        } else if wants(DAWN_WORDS) {
            DAWN
        } else if wants(DAY_WORDS) {
            DAY
        } else {
            [DAWN, DAY, DUSK][random.index(3)]
        };
        // Varies the colors slightly from image to image.
        let tint = [random.between(0.9, 1.1), random.between(0.93, 1.07), random.between(0.9, 1.12)];
        let [zenith, middle, haze, glow, disk, cloud] =
            light.0.map(|color| [0, 1, 2].map(|part| (color[part] * tint[part]).min(1.0)));
        let ground = GROUNDS.iter().find(|(words, _)| wants(words));
        let ground = ground.map_or_else(|| GROUNDS[random.index(GROUNDS.len())].1, |(_, color)| *color);
        let ground = mix(ground, zenith, if night { 0.72 } else { 0.18 });
        let foreground = if wants(CITY_WORDS) {
            Foreground::City
        } else if wants(TREE_WORDS) {
            Foreground::Trees
        } else if wants(&["meadow", "grass", "field", "garden", "hill"]) {
            Foreground::Grass
        } else {
            [Foreground::Bare, Foreground::Trees, Foreground::Grass][random.index(3)]
        };
        let water = wants(WATER_WORDS) || (!forbids(WATER_WORDS) && random.unit() < 0.35);
        let horizon = random.between(0.50, 0.60);
        let mountains = wants(&["mountain", "alps", "peak", "cliff", "fjord", "volcano"]);
        let flat = wants(&["sea", "ocean", "beach", "dune", "field"]) && !mountains;
        let low_sun = !night && light.0 != DAY.0;
        Self {
            zenith,
            middle,
            haze,
            glow,
            disk,
            cloud,
            ground,
            deep: mix(mix(zenith, [0.02, 0.16, 0.24], 0.5), ground, 0.12),
            horizon,
            waterline: water.then(|| horizon + random.between(0.10, 0.15)),
            relief: if mountains {
                random.between(0.46, 0.58)
            } else if flat {
                0.13
            } else {
                random.between(0.22, 0.42)
            },
            ranges: if flat { 4 } else { 5 },
            sun: (
                random.between(0.22, 0.78),
                if low_sun { horizon - random.between(0.10, 0.2) } else { random.between(0.12, 0.26) },
            ),
            sun_size: if night { random.between(0.035, 0.07) } else { random.between(0.03, 0.055) },
            clouds: if forbids(&["cloud"]) {
                0.0
            } else {
                random.between(0.25, 1.0) * if night { 0.6 } else { 1.0 }
            },
            snow: if wants(&["snow", "winter", "alps", "ice", "glacier"]) || mountains { 0.9 } else { 0.0 },
            mist: if wants(&["mist", "fog", "dawn", "morning"]) { 1.0 } else { random.between(0.1, 0.6) },
            night,
            foreground,
            boats: if !wants(&["boat", "sail", "harbo", "ship", "regatta"]) {
                0
            } else {
                2 + random.index(4) as u32
            },
        }
    }
}

/// The average colors of the top, middle and bottom of images.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(super) struct Palette {
    top: Color,
    middle: Color,
    bottom: Color,
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

impl Scene {
    /// Replaces the colors of the scene by learned ones.
    pub(super) fn recolor(&mut self, palette: Palette) {
        let turn = |color: &mut Color, to: Color| *color = mix(*color, to, 0.8);
        turn(&mut self.zenith, palette.top);
        turn(&mut self.middle, mix(palette.top, palette.middle, 0.5));
        turn(&mut self.haze, palette.middle);
        turn(&mut self.ground, palette.bottom);
        turn(&mut self.deep, palette.bottom);
    }
}
