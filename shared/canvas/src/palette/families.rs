//! The tuned families of colours.

use crate::color::{Oklch, oklch};

/// The base colours of a family: a deep ground, a pale paper and four shapes.
pub(super) struct Family {
    pub(super) deep: Oklch,
    pub(super) pale: Oklch,
    pub(super) accent: Oklch,
    pub(super) shapes: [Oklch; 4],
}

pub(super) const FAMILIES: [Family; 9] = [
    // Midnight and marigold.
    Family {
        deep: oklch(0.27, 0.085, 272.0),
        pale: oklch(0.962, 0.018, 85.0),
        accent: oklch(0.55, 0.19, 30.0),
        shapes: [
            oklch(0.80, 0.155, 78.0),
            oklch(0.67, 0.18, 34.0),
            oklch(0.93, 0.04, 85.0),
            oklch(0.58, 0.13, 265.0),
        ],
    },
    // Forest and apricot.
    Family {
        deep: oklch(0.30, 0.055, 165.0),
        pale: oklch(0.965, 0.016, 95.0),
        accent: oklch(0.50, 0.12, 45.0),
        shapes: [
            oklch(0.80, 0.115, 62.0),
            oklch(0.62, 0.10, 160.0),
            oklch(0.94, 0.035, 95.0),
            oklch(0.66, 0.16, 40.0),
        ],
    },
    // Aubergine and rose.
    Family {
        deep: oklch(0.27, 0.085, 330.0),
        pale: oklch(0.965, 0.014, 20.0),
        accent: oklch(0.50, 0.18, 5.0),
        shapes: [
            oklch(0.74, 0.14, 10.0),
            oklch(0.85, 0.095, 70.0),
            oklch(0.93, 0.03, 20.0),
            oklch(0.54, 0.16, 335.0),
        ],
    },
    // Petrol and coral.
    Family {
        deep: oklch(0.32, 0.062, 215.0),
        pale: oklch(0.968, 0.012, 200.0),
        accent: oklch(0.56, 0.18, 28.0),
        shapes: [
            oklch(0.70, 0.165, 30.0),
            oklch(0.84, 0.09, 195.0),
            oklch(0.95, 0.025, 90.0),
            oklch(0.58, 0.095, 212.0),
        ],
    },
    // Brick and sky.
    Family {
        deep: oklch(0.39, 0.125, 28.0),
        pale: oklch(0.962, 0.018, 65.0),
        accent: oklch(0.48, 0.15, 29.0),
        shapes: [
            oklch(0.82, 0.085, 230.0),
            oklch(0.80, 0.13, 72.0),
            oklch(0.95, 0.025, 75.0),
            oklch(0.61, 0.18, 31.0),
        ],
    },
    // Ultramarine and lime.
    Family {
        deep: oklch(0.38, 0.19, 268.0),
        pale: oklch(0.968, 0.012, 270.0),
        accent: oklch(0.50, 0.22, 268.0),
        shapes: [
            oklch(0.88, 0.18, 118.0),
            oklch(0.76, 0.12, 300.0),
            oklch(0.96, 0.015, 270.0),
            oklch(0.60, 0.19, 266.0),
        ],
    },
    // Coffee and mint.
    Family {
        deep: oklch(0.29, 0.04, 50.0),
        pale: oklch(0.96, 0.018, 80.0),
        accent: oklch(0.47, 0.10, 170.0),
        shapes: [
            oklch(0.83, 0.085, 168.0),
            oklch(0.72, 0.13, 55.0),
            oklch(0.94, 0.03, 80.0),
            oklch(0.54, 0.085, 48.0),
        ],
    },
    // Violet and peach.
    Family {
        deep: oklch(0.33, 0.135, 298.0),
        pale: oklch(0.966, 0.014, 310.0),
        accent: oklch(0.50, 0.20, 300.0),
        shapes: [
            oklch(0.83, 0.105, 55.0),
            oklch(0.70, 0.15, 330.0),
            oklch(0.95, 0.02, 60.0),
            oklch(0.60, 0.17, 295.0),
        ],
    },
    // Ink and vermilion.
    Family {
        deep: oklch(0.22, 0.012, 255.0),
        pale: oklch(0.958, 0.008, 90.0),
        accent: oklch(0.57, 0.215, 30.0),
        shapes: [
            oklch(0.64, 0.22, 32.0),
            oklch(0.93, 0.01, 90.0),
            oklch(0.78, 0.012, 90.0),
            oklch(0.50, 0.015, 255.0),
        ],
    },
];
