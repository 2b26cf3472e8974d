//! How much there is to draw of an SVG, once it is parsed. A group that is masked, clipped or
//! partly transparent is drawn on a layer of its own, which may be larger than the picture, and a
//! pattern on one that the file itself gives the size of.

use resvg::usvg::{Group, Node, Paint, Path, Pattern, Tree};
use tiny_skia::Rect;

use super::SvgFault;

/// The most shapes, each as often as its layer is larger than the picture.
const MOST_SHAPES: f32 = 5_000.0;
/// The most layers in each other.
const DEEPEST: u32 = 8;
/// resvg makes no layer larger than so many times the picture.
const LARGEST_LAYER: f32 = 25.0;
/// The most pixels of a pattern.
const LARGEST_PATTERN: f32 = 4_000_000.0;
/// The most dashes of all lines together.
const MOST_DASHES: f32 = 20_000.0;

/// Refuses a tree that has filters, or of which the part that is `seen`, in `scale` pixels a unit,
/// would take more than a moment to draw, or more than some layers in memory.
pub(super) fn check(tree: &Tree, seen: Rect, scale: f32) -> Result<(), SvgFault> {
    if !tree.filters().is_empty() {
        return Err(SvgFault::Filter);
    }
    let mut drawing = Drawing {
        scale,
        picture: seen.width() * scale * seen.height() * scale,
        shapes: 0.0,
        dashes: 0.0,
    };
    drawing.group(tree.root(), On::PICTURE)
}

/// What is drawn on.
#[derive(Clone, Copy)]
struct On {
    /// The size of the layer, in pictures.
    size: f32,
    /// How many layers it lies on.
    depth: u32,
    in_pattern: bool,
}

impl On {
    const PICTURE: Self = Self {
        size: 1.0,
        depth: 0,
        in_pattern: false,
    };

    /// A layer of the same size, for what masks or clips this one.
    fn above(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
}

struct Drawing {
    scale: f32,
    /// The size of the picture, in pixels.
    picture: f32,
    shapes: f32,
    dashes: f32,
}

impl Drawing {
    fn group(&mut self, group: &Group, on: On) -> Result<(), SvgFault> {
        let mut on = on;
        if group.should_isolate() {
            let bounds = group.abs_layer_bounding_box();
            let pixels = bounds.width() * self.scale * bounds.height() * self.scale;
            on = On {
                size: (pixels / self.picture).clamp(1.0, LARGEST_LAYER),
                ..on.above()
            };
            self.count(on)?;
        }
        if on.depth > DEEPEST {
            return Err(SvgFault::TooComplex);
        }
        let (mut clip, mut clipped) = (group.clip_path(), on);
        while let Some(one) = clip {
            clipped = clipped.above();
            self.group(one.root(), clipped)?;
            clip = one.clip_path();
        }
        let (mut mask, mut masked) = (group.mask(), on);
        while let Some(one) = mask {
            masked = masked.above();
            self.group(one.root(), masked)?;
            mask = one.mask();
        }
        group.children().iter().try_for_each(|node| match node {
            Node::Group(group) => self.group(group, on),
            Node::Path(path) => self.path(path, on),
            Node::Image(_) | Node::Text(_) => Ok(()),
        })
    }

    fn path(&mut self, path: &Path, on: On) -> Result<(), SvgFault> {
        self.count(on)?;
        let dash = path.stroke().and_then(|stroke| stroke.dasharray());
        if let Some(dash) = dash {
            // A segment is hardly longer than the box around all of them.
            let bounds = path.bounding_box();
            let length = (bounds.width() + bounds.height()) * path.data().len() as f32;
            self.dashes += length / dash.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            if self.dashes.is_nan() || self.dashes > MOST_DASHES {
                return Err(SvgFault::TooComplex);
            }
        }
        let fill = path.fill().map(|fill| fill.paint());
        let stroke = path.stroke().map(|stroke| stroke.paint());
        fill.into_iter()
            .chain(stroke)
            .try_for_each(|paint| match paint {
                Paint::Pattern(pattern) => self.pattern(pattern, path, on),
                Paint::Color(_) | Paint::LinearGradient(_) | Paint::RadialGradient(_) => Ok(()),
            })
    }

    fn pattern(&mut self, pattern: &Pattern, path: &Path, on: On) -> Result<(), SvgFault> {
        let place = path.abs_transform().pre_concat(pattern.transform());
        let (wide, high) = place.get_scale();
        let rect = pattern.rect();
        let pixels = rect.width() * wide * self.scale * rect.height() * high * self.scale;
        // A pattern of patterns may be of any size.
        if on.in_pattern || pixels.is_nan() || pixels > LARGEST_PATTERN {
            return Err(SvgFault::TooComplex);
        }
        let on = On {
            size: (pixels / self.picture).clamp(1.0, LARGEST_LAYER),
            in_pattern: true,
            ..on.above()
        };
        self.group(pattern.root(), on)
    }

    /// Counts what is drawn once.
    fn count(&mut self, on: On) -> Result<(), SvgFault> {
        self.shapes += on.size;
        if self.shapes > MOST_SHAPES {
            return Err(SvgFault::TooComplex);
        }
        Ok(())
    }
}
