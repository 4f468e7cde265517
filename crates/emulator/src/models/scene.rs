//! Chooses what a landscape shows from the words of a description.

use super::painter::{Color, mix};
use super::random::Random;

/// What stands nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Near {
    Bare,
    Grass,
    Trees,
    City,
}

/// A landscape, as measures: lengths are parts of the picture's height, from the top.
pub(super) struct Scene {
    pub(super) zenith: Color,
    pub(super) middle: Color,
    /// The colour of the air at the horizon.
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
    pub(super) near: Near,
    /// How many boats sail on the water.
    pub(super) boats: u32,
}

/// The colours of an hour of the day: zenith, middle, haze, glow, disk, cloud.
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

const WATER: &[&str] = &[
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
const CITY: &[&str] = &[
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
const TREES: &[&str] = &["forest", "tree", "wood", "pine", "fir", "jungle"];
const NIGHTLY: &[&str] =
    &["night", "star", "moon", "midnight", "galaxy", "space", "astronaut", "dark", "aurora"];
const DUSKY: &[&str] = &["sunset", "dusk", "evening", "fire", "golden", "orange", "red", "autumn"];
const DAWNY: &[&str] = &["dawn", "sunrise", "morning", "pink", "spring", "mist", "fog"];
const DAILY: &[&str] = &["day", "noon", "summer", "blue", "bright", "sunny"];

impl Scene {
    /// A scene for the wanted words; the unwanted ones are kept out of it.
    pub(super) fn imagine(wanted: &str, unwanted: &str, random: &mut Random) -> Self {
        let (wanted, unwanted) = (wanted.to_lowercase(), unwanted.to_lowercase());
        let says = |words: &[&str]| {
            let inside = |text: &str, word: &str| {
                text.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word))
            };
            words.iter().any(|word| inside(&wanted, word) && !inside(&unwanted, word))
        };
        let forbids = |words: &[&str]| words.iter().any(|word| unwanted.contains(word));
        let night = says(NIGHTLY);
        let light = if night {
            NIGHT
        } else if says(DUSKY) {
            DUSK
        } else if says(DAWNY) {
            DAWN
        } else if says(DAILY) {
            DAY
        } else {
            [DAWN, DAY, DUSK][random.index(3)].copy()
        };
        // Every picture has its own mood: a slight turn of all its colours.
        let tint = [random.between(0.9, 1.1), random.between(0.93, 1.07), random.between(0.9, 1.12)];
        let [zenith, middle, haze, glow, disk, cloud] =
            light.0.map(|color| [0, 1, 2].map(|part| (color[part] * tint[part]).min(1.0)));
        let ground = GROUNDS.iter().find(|(words, _)| says(words));
        let ground = ground.map_or_else(|| GROUNDS[random.index(GROUNDS.len())].1, |(_, color)| *color);
        let ground = mix(ground, zenith, if night { 0.72 } else { 0.18 });
        let near = if says(CITY) {
            Near::City
        } else if says(TREES) {
            Near::Trees
        } else if says(&["meadow", "grass", "field", "garden", "hill"]) {
            Near::Grass
        } else {
            [Near::Bare, Near::Trees, Near::Grass][random.index(3)]
        };
        let water = says(WATER) || (!forbids(WATER) && random.unit() < 0.35);
        let horizon = random.between(0.50, 0.60);
        let mountains = says(&["mountain", "alps", "peak", "cliff", "fjord", "volcano"]);
        let flat = says(&["sea", "ocean", "beach", "dune", "field"]) && !mountains;
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
            snow: if says(&["snow", "winter", "alps", "ice", "glacier"]) || mountains { 0.9 } else { 0.0 },
            mist: if says(&["mist", "fog", "dawn", "morning"]) { 1.0 } else { random.between(0.1, 0.6) },
            night,
            near,
            boats: if !says(&["boat", "sail", "harbo", "ship", "regatta"]) {
                0
            } else {
                2 + random.index(4) as u32
            },
        }
    }
}

/// Colours learned from pictures: of their top, middle and bottom.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(super) struct Palette {
    top: Color,
    middle: Color,
    bottom: Color,
}

impl Palette {
    /// The average colours of the pictures; `None` without any.
    pub(super) fn of(pictures: &[image::RgbImage]) -> Option<Self> {
        let band = |from: f32, to: f32| {
            let (mut sum, mut count) = ([0.0f64; 3], 0u64);
            for picture in pictures {
                let row = |share: f32| (picture.height() as f32 * share) as u32;
                for y in row(from)..row(to).max(row(from) + 1).min(picture.height()) {
                    for x in 0..picture.width() {
                        let pixel = picture.get_pixel(x, y).0;
                        sum = [0, 1, 2].map(|part| sum[part] + f64::from(pixel[part]));
                        count += 1;
                    }
                }
            }
            sum.map(|part| (part / count.max(1) as f64 / 255.0) as f32)
        };
        let palette = || Self { top: band(0.0, 0.33), middle: band(0.33, 0.66), bottom: band(0.66, 1.0) };
        (!pictures.is_empty()).then(palette)
    }
}

impl Scene {
    /// Paints the same scene in learned colours.
    pub(super) fn recolor(&mut self, palette: Palette) {
        let turn = |color: &mut Color, to: Color| *color = mix(*color, to, 0.8);
        turn(&mut self.zenith, palette.top);
        turn(&mut self.middle, mix(palette.top, palette.middle, 0.5));
        turn(&mut self.haze, palette.middle);
        turn(&mut self.ground, palette.bottom);
        turn(&mut self.deep, palette.bottom);
    }
}

impl Light {
    fn copy(&self) -> Self {
        Self(self.0)
    }
}
