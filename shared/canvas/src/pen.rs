//! The pen of one design: everything that its functions set, draw on and read.

use crate::{
    page::Page,
    palette::Palette,
    sheet::Sheet,
    text::{Block, Typesetter},
};

/// What a design draws with, what it draws on, and what it draws.
pub(crate) struct Pen<'a> {
    /// Sets the texts.
    pub(crate) typesetter: &'a mut Typesetter,
    /// The sheet that is drawn on.
    pub(crate) sheet: &'a mut Sheet,
    /// The facts that are drawn.
    pub(crate) page: &'a Page<'a>,
    /// The colours that are used.
    pub(crate) palette: &'a Palette,
}

impl Pen<'_> {
    /// Draws `block` with its upper left corner at `x`, `y`.
    pub(crate) fn write(&mut self, block: &Block, x: f32, y: f32) {
        self.typesetter.draw(self.sheet, block, x, y);
    }
}
