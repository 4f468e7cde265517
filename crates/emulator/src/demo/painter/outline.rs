//! The outlines of trees and buildings.

use crate::demo::noise::hash;

/// Returns the height of a row of firs at `x`.
pub(super) fn trees(x: f32, seed: u32, tallest: f32) -> f32 {
    let mut height = 0.0f32;
    for row in 0..2u32 {
        let at = x * (26.0 + 17.0 * row as f32) + row as f32 * 0.37;
        let cell = at.floor();
        for neighbor in [cell - 1.0, cell, cell + 1.0] {
            let draw = |salt| hash(neighbor as i32, row as i32, seed ^ salt);
            let middle = neighbor + 0.2 + 0.6 * draw(3);
            let tall = tallest * (0.35 + 0.65 * draw(4));
            let reach = 0.75 + 0.35 * draw(5);
            let side = ((at - middle).abs() / reach).min(1.0);
            let boughs = 0.1 * (side * 46.0).sin().abs() * (1.0 - side);
            height = height.max(tall * (1.0 - side.powf(0.8) + boughs - 0.1 * side));
        }
    }
    height.max(0.0)
}

/// Returns the height of a row of houses and towers at `x`.
pub(super) fn skyline(x: f32, seed: u32) -> f32 {
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
