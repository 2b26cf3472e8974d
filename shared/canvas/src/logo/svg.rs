//! An SVG from outside. It is drawn from its own paths alone: no other file, no text, no pictures,
//! no filters. What it has of these would be missing from the logo, so it is refused with the
//! reason.

mod layers;
mod work;

use resvg::usvg::{self, Group, ImageHrefResolver, Options, Tree};
use roxmltree::{Document, Node, ParsingOptions};
use tiny_skia::{Pixmap, Rect, Transform};

use super::{Format, LogoError};

/// The largest file, in bytes.
const LARGEST: usize = 256 * 1024;
/// The most elements.
const MOST_ELEMENTS: usize = 2_000;
/// The most nodes of XML, which are the elements and the text between them.
const MOST_NODES: u32 = 3 * MOST_ELEMENTS as u32;
const SVG: &str = "http://www.w3.org/2000/svg";

/// What an SVG has that the studio does not draw, in words that continue `because`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SvgFault {
    /// It would take too long to parse or to draw.
    #[error("its SVG is too large or too complex; export it with fewer and simpler paths")]
    TooComplex,
    /// It declares entities.
    #[error("its SVG declares entities, which are not read; export it as plain SVG")]
    Entities,
    /// It needs another file.
    #[error("its SVG refers to another file, which is not read; embed what it needs as paths")]
    External,
    /// It has text, for which the studio has not the fonts.
    #[error("its SVG has text; convert the text to paths")]
    Text,
    /// It has a picture of pixels, or a page.
    #[error("its SVG has a picture or a page in it; upload that as a PNG, JPEG or WebP")]
    Picture,
    /// It has a filter.
    #[error("its SVG has a filter, such as a shadow or a blur; export it without")]
    Filter,
}

/// Draws an SVG so that the longer side of what it shows is `side` pixels long.
pub(super) fn read(file: &[u8], side: u32) -> Result<Pixmap, LogoError> {
    if file.len() > LARGEST {
        return Err(SvgFault::TooComplex.into());
    }
    let damaged = LogoError::Damaged(Format::Svg);
    let text = std::str::from_utf8(file).map_err(|_| damaged.clone())?;
    // Not for the sake of one declaration: a long one that is named often grows without bound.
    if text.contains("<!ENTITY") {
        return Err(SvgFault::Entities.into());
    }
    let parsing = ParsingOptions {
        allow_dtd: true,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, parsing).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => SvgFault::TooComplex.into(),
        _ => damaged.clone(),
    })?;
    if !is_svg(document.root_element(), "svg") {
        return Err(LogoError::UnknownFormat);
    }
    check_elements(&document)?;
    work::check(&document)?;

    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_xmltree(&document, &options).map_err(|_| damaged)?;
    let seen = seen(&tree).ok_or(LogoError::Empty)?;
    let scale = side as f32 / seen.width().max(seen.height());
    layers::check(&tree, seen, scale)?;
    draw(&tree, side, seen, scale).ok_or(LogoError::Empty)
}

/// Whether `node` is the element `name` of SVG. Some programs leave out the namespace.
fn is_svg(node: Node<'_, '_>, name: &str) -> bool {
    let tag = node.tag_name();
    tag.name() == name && matches!(tag.namespace(), None | Some(SVG))
}

/// Refuses elements that are not drawn, and too many.
fn check_elements(document: &Document<'_>) -> Result<(), SvgFault> {
    let mut elements = document.descendants().filter(Node::is_element);
    if elements.clone().count() > MOST_ELEMENTS {
        return Err(SvgFault::TooComplex);
    }
    elements.try_for_each(|element| {
        let is = |name| is_svg(element, name);
        if is("text") {
            Err(SvgFault::Text)
        } else if is("image") || is("foreignObject") || is("feImage") {
            Err(SvgFault::Picture)
        } else {
            Ok(())
        }
    })
}

/// The part of the tree that is seen, in its own units; `None` if nothing is. Many logos are small
/// on a page of paper, so that the page is not what counts.
fn seen(tree: &Tree) -> Option<Rect> {
    let drawn = bounds(tree.root())?;
    let page = tree.size();
    Rect::from_ltrb(
        drawn.left().max(0.0),
        drawn.top().max(0.0),
        drawn.right().min(page.width()),
        drawn.bottom().min(page.height()),
    )
    .filter(|seen| seen.width() > 0.0 && seen.height() > 0.0)
}

/// The box around all paths. The group's own one holds the origin too, if one in it is empty.
fn bounds(group: &Group) -> Option<Rect> {
    let boxes = group.children().iter().filter_map(|node| match node {
        usvg::Node::Group(group) => bounds(group),
        usvg::Node::Path(path) => path.is_visible().then(|| path.abs_stroke_bounding_box()),
        usvg::Node::Image(_) | usvg::Node::Text(_) => None,
    });
    boxes.reduce(|one, other| {
        Rect::from_ltrb(
            one.left().min(other.left()),
            one.top().min(other.top()),
            one.right().max(other.right()),
            one.bottom().max(other.bottom()),
        )
        .unwrap_or(one)
    })
}

/// Draws the part that is `seen`, in `scale` pixels a unit.
fn draw(tree: &Tree, side: u32, seen: Rect, scale: f32) -> Option<Pixmap> {
    let pixels = |length: f32| ((length * scale).ceil() as u32).clamp(1, side);
    let mut picture = Pixmap::new(pixels(seen.width()), pixels(seen.height()))?;
    let place = Transform::from_scale(scale, scale).pre_translate(-seen.left(), -seen.top());
    resvg::render(tree, place, &mut picture.as_mut());
    Some(picture)
}
