//! Paints a landscape that fits a description.

use image::{Rgb, RgbImage};

use super::noise::{hash, layered, noise, ridged};
use super::random::Random;
use super::scene::{Near, Scene};

// As a part of the picture's height.
const TALLEST_SAIL: f32 = 0.16;

/// Red, green and blue from 0 to 1.
pub(super) type Color = [f32; 3];

/// What to paint.
pub(super) struct Commission {
    pub(super) width: u32,
    pub(super) height: u32,
    /// How strong colours are; 1 is natural.
    pub(super) saturation: f32,
    /// Scales of detail, 1 to 6.
    pub(super) octaves: u32,
}

/// A range of hills: its outline by column, and its colours.
struct Range {
    outline: Vec<f32>,
    color: Color,
    snow: f32,
    texture: f32,
    mist: f32,
    seed: u32,
    lit_windows: bool,
}

/// A scene with everything worked out that is the same for a whole column or picture.
struct Canvas<'a> {
    scene: &'a Scene,
    octaves: u32,
    width: f32,
    height: f32,
    ranges: Vec<Range>,
    seed: u32,
}

pub(super) fn paint(scene: &Scene, commission: &Commission, random: &mut Random) -> RgbImage {
    let canvas = Canvas::new(scene, commission, random);
    let mut picture = RgbImage::new(commission.width, commission.height);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let color = canvas.finish(canvas.color(x, y), x, y, commission.saturation);
        *pixel = Rgb(color.map(|part| (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8));
    }
    picture
}

impl<'a> Canvas<'a> {
    fn new(scene: &'a Scene, commission: &Commission, random: &mut Random) -> Self {
        let (width, height) = (commission.width as f32, commission.height as f32);
        let mut canvas = Self {
            scene,
            octaves: commission.octaves,
            width,
            height,
            ranges: Vec::new(),
            seed: random.next() as u32,
        };
        let count = scene.ranges.max(1);
        for index in 0..count {
            let nearness = (index as f32 + 1.0) / count as f32;
            canvas.ranges.push(canvas.range(nearness, index + 1 == count, random));
        }
        canvas
    }

    /// A range of hills; `nearness` goes from almost 0, at the horizon, to 1.
    fn range(&self, nearness: f32, nearest: bool, random: &mut Random) -> Range {
        let scene = self.scene;
        let seed = random.next() as u32;
        let floor =
            scene.horizon + (1.0 - scene.horizon) * (nearness - 1.0 / scene.ranges.max(1) as f32) * 0.55;
        let tall = scene.relief * (1.15 - 0.75 * nearness) * random.between(0.75, 1.1);
        let frequency = 1.1 + 1.4 * nearness;
        let shift = random.between(0.0, 400.0);
        let near = if nearest { scene.near } else { Near::Bare };
        let wooded = nearest || nearness > 0.55;
        let outline = (0..self.width as u32).map(|x| {
            let x = x as f32 / self.height;
            let hill = if nearness < 0.7 {
                ridged(x * frequency + shift, seed, 6)
            } else {
                layered(x * frequency + shift, 3.3, seed, 5)
            };
            let rise = match near {
                Near::Trees => trees(x, seed, 0.085),
                Near::City => skyline(x, seed),
                Near::Grass => 0.008 * noise(x * 260.0, 0.0, seed),
                Near::Bare if wooded && scene.near == Near::Trees => trees(x * 2.2, seed, 0.03),
                Near::Bare => 0.0,
            };
            floor - (hill - 0.35) * tall - rise
        });
        let haze = (1.0 - nearness).powf(1.3) * 0.82;
        let color = mix(scene.ground, scene.haze, haze);
        Range {
            outline: outline.collect(),
            color: color.map(|part| part * (1.0 - 0.35 * nearness)),
            snow: if nearness < 0.6 { scene.snow } else { 0.0 },
            texture: 0.25 + 0.3 * nearness,
            // The nearest has no valley behind which mist could rise.
            mist: if nearest { 0.0 } else { scene.mist * (1.0 - 0.5 * nearness) },
            seed,
            lit_windows: near == Near::City && scene.night,
        }
    }

    fn color(&self, x: u32, y: u32) -> Color {
        let v = y as f32 / self.height;
        match self.scene.waterline {
            Some(line) if v > line - TALLEST_SAIL => match self.boat(x, v, line) {
                Some(color) => color,
                None if v > line => self.water(x, v, line),
                None => self.land(x, v),
            },
            _ => self.land(x, v),
        }
    }

    /// A sailing boat, if one is here. Those further down are nearer, and larger.
    fn boat(&self, x: u32, v: f32, line: f32) -> Option<Color> {
        let u = x as f32 / self.width;
        let proportion = self.width / self.height;
        (0..self.scene.boats).rev().find_map(|index| {
            let draw = |salt: i32| hash(index as i32, salt, self.seed ^ 41);
            let nearness = (index as f32 + 0.3 + 0.5 * draw(1)) / self.scene.boats as f32;
            let size = TALLEST_SAIL * (0.3 + 0.7 * nearness);
            let (middle, foot) = (0.08 + 0.84 * draw(2), line + (1.0 - line) * 0.42 * nearness);
            // Measured in the boat's own height: across, and up from the water.
            let (across, up) = ((u - middle) * proportion / size, (foot - v) / size);
            let shade = |color: Color| Some(mix(color, self.scene.haze, 0.45 * (1.0 - nearness)));
            if (0.0..0.13).contains(&up) && across.abs() < 0.26 + up * 0.7 {
                return shade(mix(self.scene.ground, [0.05, 0.04, 0.06], 0.7));
            }
            let mast = across.abs() < 0.012 && (0.0..1.0).contains(&up);
            let main = across > 0.02 && across < 0.42 * (0.97 - up) && up > 0.2;
            let jib = across < -0.02 && across > -0.3 * (0.82 - up) && up > 0.22;
            if mast {
                return shade([0.12, 0.09, 0.08]);
            }
            let cloth = mix([0.96, 0.94, 0.90], self.scene.glow, 0.3);
            let light = if self.scene.night {
                0.3
            } else if main {
                0.97
            } else {
                0.84
            };
            (main || jib).then(|| cloth.map(|part| part * light)).and_then(shade)
        })
    }

    /// The sky with the hills before it.
    fn land(&self, x: u32, v: f32) -> Color {
        let column = (x as usize).min(self.width as usize - 1);
        for range in self.ranges.iter().rev() {
            let depth = v - range.outline[column];
            if depth >= 0.0 {
                return self.hill(range, column, v, depth);
            }
        }
        self.sky(column as f32 / self.height, v)
    }

    fn hill(&self, range: &Range, column: usize, v: f32, depth: f32) -> Color {
        let u = column as f32 / self.height;
        // The light on a slope follows its rough shape, and is lost further down.
        let reach = (self.height as usize / 24).max(2);
        let next = (column + reach).min(range.outline.len() - 1);
        let previous = column.saturating_sub(reach);
        let run = (next - previous).max(1) as f32;
        let slope =
            (range.outline[next] - range.outline[previous]) * self.height / run * (-depth * 9.0).exp();
        let towards = (self.scene.sun.0 * self.width / self.height - u) * 6.0;
        let side = -slope * towards.clamp(-1.0, 1.0);
        let grain = layered(u * 14.0, v * 34.0, range.seed, self.octaves.min(4)) - 0.5;
        let light =
            1.0 + range.texture * (grain + 0.6 * side.clamp(-1.0, 1.0)) + 0.10 * (-depth * 30.0).exp();
        let mut color = range.color.map(|part| part * light);
        if range.snow > 0.0 {
            let edge = 0.055 + 0.09 * layered(u * 24.0, v * 16.0, range.seed ^ 5, 4);
            let cover = range.snow * smooth(edge, edge - 0.05, depth);
            let white =
                mix([0.93, 0.95, 1.0], self.scene.glow, 0.25).map(|part| part * (0.78 + 0.3 * light - 0.2));
            color = mix(color, white, cover);
        }
        if range.lit_windows {
            let (i, j) = ((u * 150.0).floor() as i32, (v * 150.0).floor() as i32);
            let inside = (u * 150.0).fract() > 0.35 && (v * 150.0).fract() > 0.4;
            if inside && depth > 0.012 && hash(i, j, range.seed) > 0.72 {
                color = mix(color, [1.0, 0.82, 0.45], 0.45 + 0.5 * hash(j, i, range.seed));
            }
        }
        // Mist lies in the valleys.
        mix(color, self.scene.haze, range.mist * smooth(0.02, 0.3, depth) * 0.6)
    }

    fn sky(&self, u: f32, v: f32) -> Color {
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
            color = add(color, self.stars(u, v) * (1.0 - 0.7 * height));
        }
        let disk = scene.sun_size;
        let edge = smooth(disk, disk * 0.94, distance);
        if edge > 0.0 {
            let spots = if scene.night { 0.25 * layered(dx * 40.0 + 9.0, dy * 40.0, 77, 3) } else { 0.0 };
            color = mix(color, scene.disk.map(|part| part * (1.0 - spots)), edge);
        }
        self.clouds(color, u, v, height, distance)
    }

    fn stars(&self, u: f32, v: f32) -> f32 {
        let (i, j) = ((u * 90.0).floor(), (v * 90.0).floor());
        let (i32_, j32) = (i as i32, j as i32);
        if hash(i32_, j32, self.seed) < 0.8 {
            return 0.0;
        }
        let (x, y) = (0.2 + 0.6 * hash(i32_, j32, self.seed ^ 1), 0.2 + 0.6 * hash(i32_, j32, self.seed ^ 2));
        let (dx, dy) = (u * 90.0 - i - x, v * 90.0 - j - y);
        let size = 0.03 + 0.09 * hash(i32_, j32, self.seed ^ 3).powi(4);
        (1.1 - (dx * dx + dy * dy).sqrt() / size).clamp(0.0, 1.0)
    }

    fn clouds(&self, color: Color, u: f32, v: f32, height: f32, distance: f32) -> Color {
        let scene = self.scene;
        if scene.clouds <= 0.0 {
            return color;
        }
        // Clouds flatten towards the horizon.
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

    /// A mirror that ripples more the nearer it is.
    fn water(&self, x: u32, v: f32, line: f32) -> Color {
        let scene = self.scene;
        let depth = (v - line) / (1.0 - line);
        let u = x as f32 / self.height;
        let scale = 12.0 + 110.0 * (1.0 - depth).powi(2);
        let wave = layered(u * scale * 0.22, v * scale * 2.2, self.seed ^ 21, 3) - 0.5;
        let sway = wave * (0.012 + 0.07 * depth);
        let mirrored = (line - (v - line) * 0.92 + sway * 0.8).clamp(0.0, line - 0.002);
        let shifted = (x as f32 + sway * self.height * 0.8).clamp(0.0, self.width - 1.0);
        let mut color = mix(self.land(shifted as u32, mirrored), scene.deep, 0.24 + 0.38 * depth);
        let across = (u - scene.sun.0 * self.width / self.height).abs();
        let path = (-across * across / (0.004 + 0.03 * depth)).exp();
        let sparkle = smooth(0.06, 0.3, wave) * path;
        color = mix(color, scene.disk, 0.75 * sparkle * (1.0 - 0.45 * depth));
        let crest = smooth(0.2, 0.42, wave) * 0.16;
        mix(color, scene.haze, crest + 0.35 * (-depth * 26.0).exp())
    }

    /// Darkened corners, a little grain, and the strength of colours.
    fn finish(&self, color: Color, x: u32, y: u32, saturation: f32) -> Color {
        let (u, v) = (x as f32 / self.width - 0.5, y as f32 / self.height - 0.5);
        let vignette = 1.0 - 0.5 * (u * u + v * v);
        let grain = (hash(x as i32, y as i32, self.seed ^ 31) - 0.5) * 0.022;
        let grey = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2];
        color.map(|part| {
            let part = (grey + (part - grey) * saturation) * vignette + grain;
            // A gentle curve, which deepens shadows.
            let part = part.clamp(0.0, 1.0);
            part * (0.82 + 0.36 * part - 0.18 * part * part)
        })
    }
}

/// Outlines of firs standing close together.
fn trees(x: f32, seed: u32, tallest: f32) -> f32 {
    let mut height = 0.0f32;
    for row in 0..2u32 {
        let at = x * (26.0 + 17.0 * row as f32) + row as f32 * 0.37;
        let cell = at.floor();
        for neighbour in [cell - 1.0, cell, cell + 1.0] {
            let draw = |salt| hash(neighbour as i32, row as i32, seed ^ salt);
            let middle = neighbour + 0.2 + 0.6 * draw(3);
            let tall = tallest * (0.35 + 0.65 * draw(4));
            let reach = 0.75 + 0.35 * draw(5);
            let side = ((at - middle).abs() / reach).min(1.0);
            let boughs = 0.1 * (side * 46.0).sin().abs() * (1.0 - side);
            height = height.max(tall * (1.0 - side.powf(0.8) + boughs - 0.1 * side));
        }
    }
    height.max(0.0)
}

/// Outlines of houses and towers.
fn skyline(x: f32, seed: u32) -> f32 {
    let mut height = 0.0f32;
    for row in 0..3u32 {
        let at = x * (9.0 + 6.0 * row as f32) + row as f32 * 0.61;
        let cell = at.floor() as i32;
        let tall = hash(cell, row as i32, seed);
        let narrow = (at.fract() - 0.5).abs() < 0.26 + 0.24 * hash(cell, 9, seed);
        let mast = tall > 0.75 && (at.fract() - 0.5).abs() < 0.018;
        if narrow {
            height = height.max(0.05 + 0.2 * tall * tall);
        }
        if mast {
            height = height.max(0.09 + 0.21 * tall * tall);
        }
    }
    height
}

pub(super) fn mix(from: Color, to: Color, share: f32) -> Color {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|part| from[part] + (to[part] - from[part]) * share)
}

fn add(color: Color, light: f32) -> Color {
    color.map(|part| part + light)
}

/// 0 at `from`, 1 at `to`, smooth between.
fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
