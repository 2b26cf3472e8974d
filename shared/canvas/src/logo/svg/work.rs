//! How much there is to do for an SVG, before a part of it is done. An element may be drawn many
//! times: where it is used, where it masks or clips, where it is a pattern. A few lines that name
//! each other thus ask for more than any machine can do, and the parser only notices circles.

use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node, NodeId};
use simplecss::{AttributeOperator, DeclarationTokenizer, Element, PseudoClass, StyleSheet};

use super::{SVG, SvgFault, is_svg};

const XLINK: &str = "http://www.w3.org/1999/xlink";
/// The most work: about the number of shapes, each as often as it is parsed or drawn.
const MOST_WORK: u64 = 10_000;
/// So many bytes of attributes are as much work as a shape.
const BYTES_OF_A_SHAPE: u64 = 100;
/// How deep elements may be in each other, also by reference. Each level may need a layer of its
/// own in memory.
const DEEPEST: u32 = 64;
/// The most rules of style, each of which is tried on every element.
const MOST_RULES: usize = 500;

/// Refuses an SVG that refers to another file, has filters or asks for too much.
pub(super) fn check(document: &Document<'_>) -> Result<(), SvgFault> {
    let mut style = StyleSheet::new();
    let sheets = document.descendants().filter(|node| is_svg(*node, "style"));
    for text in sheets.filter_map(|sheet| sheet.text()) {
        style.parse_more(text);
    }
    if style.rules.len() > MOST_RULES {
        return Err(SvgFault::TooComplex);
    }
    let mut by_id = HashMap::new();
    for node in document.descendants() {
        if let Some(id) = node.attribute("id") {
            by_id.entry(id).or_insert(node);
        }
    }
    let mut works = Works {
        style,
        by_id,
        known: HashMap::new(),
        open: HashSet::new(),
    };
    works.of(document.root_element(), 0, 1)?;
    Ok(())
}

/// The work of an element with all that is in it and that it names.
#[derive(Clone, Copy)]
struct Work {
    amount: u64,
    depth: u32,
}

impl Work {
    const NONE: Self = Self {
        amount: 0,
        depth: 0,
    };

    fn add(&mut self, other: Self) -> Result<(), SvgFault> {
        self.amount = self.amount.saturating_add(other.amount);
        self.depth = self.depth.max(other.depth);
        self.check()
    }

    fn check(self) -> Result<(), SvgFault> {
        if self.amount > MOST_WORK || self.depth > DEEPEST {
            return Err(SvgFault::TooComplex);
        }
        Ok(())
    }
}

struct Works<'a, 'input> {
    style: StyleSheet<'a>,
    by_id: HashMap<&'a str, Node<'a, 'input>>,
    /// Of an element and what is inherited there.
    known: HashMap<(NodeId, u64), Work>,
    /// The elements that are being looked at.
    open: HashSet<NodeId>,
}

/// What an element names.
#[derive(Default)]
struct Names<'a> {
    /// What it uses in its place.
    used: Vec<&'a str>,
    /// What it is drawn with.
    drawn_with: Vec<&'a str>,
    /// What it and all in it are painted with.
    painted_with: Vec<&'a str>,
}

impl<'a, 'input: 'a> Works<'a, 'input> {
    /// The work of `node`, of which every shape is painted with `inherited` as much again.
    fn of(&mut self, node: Node<'a, 'input>, level: u32, inherited: u64) -> Result<Work, SvgFault> {
        if let Some(known) = self.known.get(&(node.id(), inherited)) {
            return Ok(*known);
        }
        // Whatever other programs keep in their own elements is not drawn.
        if !matches!(node.tag_name().namespace(), None | Some(SVG)) {
            return Ok(Work::NONE);
        }
        if level > DEEPEST || !self.open.insert(node.id()) {
            return Err(SvgFault::TooComplex);
        }
        let names = self.names(node)?;
        let (mut work, mut painted) = (Work::NONE, inherited);
        for id in &names.painted_with {
            let paint = self.named(id, level, 1)?;
            work.depth = work.depth.max(paint.depth);
            painted = painted.saturating_add(paint.amount);
        }
        let bytes: usize = node.attributes().map(|one| one.value().len()).sum();
        let shapes = 1 + bytes as u64 / BYTES_OF_A_SHAPE;
        work.amount = painted.saturating_mul(shapes);
        for id in &names.drawn_with {
            work.add(self.named(id, level, 1)?)?;
        }
        for id in &names.used {
            work.add(self.named(id, level, painted)?)?;
        }
        for child in node.children().filter(Node::is_element) {
            work.add(self.of(child, level + 1, painted)?)?;
        }
        work.depth += 1;
        work.check()?;
        self.open.remove(&node.id());
        self.known.insert((node.id(), inherited), work);
        Ok(work)
    }

    /// The work of the element with this id; none if there is none.
    fn named(&mut self, id: &str, level: u32, inherited: u64) -> Result<Work, SvgFault> {
        match self.by_id.get(id).copied() {
            Some(node) => self.of(node, level + 1, inherited),
            None => Ok(Work::NONE),
        }
    }

    /// What `node` names, by its attributes and the style sheet. A rule that another one overrules
    /// counts, too.
    fn names(&self, node: Node<'a, 'input>) -> Result<Names<'a>, SvgFault> {
        let mut names = Names::default();
        let own = |namespace| matches!(namespace, None | Some(SVG | XLINK));
        for attribute in node.attributes().filter(|one| own(one.namespace())) {
            let (name, value) = (attribute.name(), attribute.value());
            match name {
                "href" if is_svg(node, "a") => {}
                "href" => {
                    let id = value.trim().strip_prefix('#').ok_or(SvgFault::External)?;
                    names.used.push(id);
                }
                "style" => {
                    for declaration in DeclarationTokenizer::from(value) {
                        names.add(declaration.name, declaration.value)?;
                    }
                }
                _ => names.add(name, value)?,
            }
        }
        let rules = self.style.rules.iter();
        for rule in rules.filter(|rule| rule.selector.matches(&Styled(node))) {
            for declaration in &rule.declarations {
                names.add(declaration.name, declaration.value)?;
            }
        }
        Ok(names)
    }
}

impl<'a> Names<'a> {
    /// Adds what a property names: `url(#id)`, with or without quotes.
    fn add(&mut self, property: &str, value: &'a str) -> Result<(), SvgFault> {
        if property == "filter" && value.trim() != "none" {
            return Err(SvgFault::Filter);
        }
        for part in value.split("url(").skip(1) {
            let address = part.split(')').next().unwrap_or(part);
            let address = address.trim().trim_matches(['"', '\'']).trim();
            let id = address.strip_prefix('#').ok_or(SvgFault::External)?;
            match property {
                "fill" | "stroke" => self.painted_with.push(id),
                // One is drawn at every corner of a path.
                "marker" | "marker-start" | "marker-mid" | "marker-end" => {
                    return Err(SvgFault::TooComplex);
                }
                _ => self.drawn_with.push(id),
            }
        }
        Ok(())
    }
}

/// An element as the style sheet sees it.
struct Styled<'a, 'input>(Node<'a, 'input>);

impl Element for Styled<'_, '_> {
    fn parent_element(&self) -> Option<Self> {
        self.0.parent_element().map(Self)
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.0.prev_sibling_element().map(Self)
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.0.tag_name().name() == name
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        self.0
            .attribute(name)
            .is_some_and(|value| operator.matches(value))
    }

    fn pseudo_class_matches(&self, class: PseudoClass<'_>) -> bool {
        matches!(class, PseudoClass::FirstChild) && self.prev_sibling_element().is_none()
    }
}
