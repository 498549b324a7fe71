//! Checks how deep and how costly the tree of some HTML would be, while it is parsed and before a tree is
//! built.
//!
//! An HTML parser walks over all open elements at each tag, opens formatting elements again in each block,
//! and searches all existing siblings for the place of content that is misplaced in a table. Short texts can
//! make it do so for minutes, or fill the memory. So the parser first builds nothing, which shows what the
//! tree would take.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
};

use html5ever::{
    Attribute, ExpandedName, ParseOpts, Parser, QualName,
    interface::{ElementFlags, NodeOrText, QuirksMode, Tracer, TreeSink},
    local_name, ns, parse_fragment,
    tendril::{StrTendril, TendrilSink},
};

use crate::{
    articles::model::markdown::{MAX_NESTING, TooComplex},
    blocking::Stop,
};

/// The most bytes that are parsed between two checks. The end of a tag ends a piece too.
const PIECE: usize = 512;

/// The most elements that a tree can have. A text of the greatest length has fewer; only elements that are
/// opened again and again make more.
const MAX_ELEMENTS: usize = 500_000;

/// The most steps that building and cleaning the tree can take, in addition to one for each byte. A step is a
/// sibling that is looked through, a child that is moved, or a byte of an attribute.
const MAX_STEPS: usize = 40_000_000;

/// Checks the tree that some HTML would have inside a block.
///
/// # Errors
/// Returns [`TooComplex::Nested`] if more than [`MAX_NESTING`] elements are open at once, and
/// [`TooComplex::Costly`] if the tree or its parsing takes too much.
pub(super) fn check(html: &str, stop: &Stop) -> Result<(), TooComplex> {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(Sink::default(), ParseOpts::default(), context, Vec::new(), false);
    let outside = open_elements(&parser, 0);
    let (mut open, mut round) = (0, 0);
    for piece in html.split_inclusive('>').flat_map(pieces) {
        if stop.is_due() {
            return Err(TooComplex::Costly);
        }
        parser.process(StrTendril::from_slice(piece));
        let sink = &parser.tokenizer.sink.sink;
        if sink.elements.get() > MAX_ELEMENTS || sink.steps.get() > MAX_STEPS {
            return Err(TooComplex::Costly);
        }
        // The open elements are at most those of the last count and those made since. Only if these are too
        // many, they are counted again.
        if open + sink.made.get() > MAX_NESTING {
            round += 1;
            open = open_elements(&parser, round).saturating_sub(outside);
            parser.tokenizer.sink.sink.made.set(0);
        }
        if open > MAX_NESTING {
            return Err(TooComplex::Nested);
        }
    }
    Ok(())
}

fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Counts the open elements, including those that are closed but will be opened again.
fn open_elements(parser: &Parser<Sink>, round: u32) -> usize {
    struct Count(u32, Cell<usize>);
    impl Tracer for Count {
        type Handle = Rc<Node>;
        fn trace_handle(&self, node: &Rc<Node>) {
            if node.round.replace(Some(self.0)) != Some(self.0) {
                self.1.set(self.1.get() + 1);
            }
        }
    }
    let count = Count(round, Cell::new(0));
    parser.tokenizer.sink.trace_handles(&count);
    count.1.get()
}

/// A node of the tree, without its text and attributes.
struct Node {
    name: QualName,
    children: Rc<Children>,
    /// The list of children that this node is part of.
    among: RefCell<Option<Rc<Children>>>,
    /// The content of a template element.
    contents: Option<Rc<Node>>,
    /// The last round in which it was counted.
    round: Cell<Option<u32>>,
}

#[derive(Default)]
struct Children {
    count: Cell<usize>,
    /// If `true`, the last child is a text, and further text is added to it.
    end_in_text: Cell<bool>,
    /// The same for text that was found in a table and stands before it.
    fostered_text: Cell<bool>,
}

impl Node {
    fn new(name: QualName, contents: Option<Rc<Self>>) -> Rc<Self> {
        let (children, among) = (Rc::default(), RefCell::default());
        Rc::new(Self { name, children, among, contents, round: Cell::default() })
    }

    fn nameless() -> Rc<Self> {
        Self::new(QualName::new(None, ns!(), local_name!("")), None)
    }
}

/// A sink that keeps nothing of a tree except what the parser itself keeps, and counts the work.
struct Sink {
    document: Rc<Node>,
    elements: Cell<usize>,
    /// The number of elements made since the last count.
    made: Cell<usize>,
    steps: Cell<usize>,
    /// The number of attributes that were added to the root. Each further tag of its name can add some.
    of_root: Cell<usize>,
}

impl Default for Sink {
    fn default() -> Self {
        let count = Cell::default;
        Self {
            document: Node::nameless(),
            elements: count(),
            made: count(),
            steps: count(),
            of_root: count(),
        }
    }
}

impl Sink {
    fn step(&self, steps: usize) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    fn add(children: &Rc<Children>, child: NodeOrText<Rc<Node>>, is_text: &Cell<bool>) {
        match child {
            NodeOrText::AppendNode(node) => {
                is_text.set(false);
                *node.among.borrow_mut() = Some(Rc::clone(children));
            }
            NodeOrText::AppendText(_) if is_text.replace(true) => return,
            NodeOrText::AppendText(_) => {}
        }
        children.count.set(children.count.get() + 1);
    }
}

impl TreeSink for Sink {
    type Handle = Rc<Node>;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Rc<Node> {
        self.elements.set(self.elements.get() + 1);
        self.made.set(self.made.get() + 1);
        self.step(attributes.iter().map(|attribute| 1 + attribute.value.len()).sum());
        Node::new(name, flags.template.then(Node::nameless))
    }

    fn create_comment(&self, _: StrTendril) -> Rc<Node> {
        Node::nameless()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Rc<Node> {
        Node::nameless()
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        Self::add(&parent.children, child, &parent.children.end_in_text);
    }

    fn append_before_sibling(&self, sibling: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        let among = sibling.among.borrow().clone();
        if let Some(among) = among {
            self.step(among.count.get());
            Self::add(&among, child, &among.fostered_text);
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &Rc<Node>,
        previous: &Rc<Node>,
        child: NodeOrText<Rc<Node>>,
    ) {
        if element.among.borrow().is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Rc<Node>) -> Rc<Node> {
        target.contents.clone().unwrap_or_else(|| Rc::clone(target))
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Rc<Node>, attributes: Vec<Attribute>) {
        let count = self.of_root.get() + attributes.len();
        self.of_root.set(count);
        self.step(count);
    }

    fn remove_from_parent(&self, target: &Rc<Node>) {
        if let Some(among) = target.among.take() {
            self.step(among.count.get());
            among.count.set(among.count.get().saturating_sub(1));
            among.end_in_text.set(false);
        }
    }

    fn reparent_children(&self, node: &Rc<Node>, new_parent: &Rc<Node>) {
        let moved = node.children.count.replace(0);
        self.step(moved);
        let children = &new_parent.children;
        children.count.set(children.count.get() + moved);
        children.end_in_text.set(node.children.end_in_text.replace(false));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn looked_at(html: &str) -> Result<(), TooComplex> {
        check(html, &Stop::after(Duration::from_secs(3600)))
    }

    #[test]
    fn depth_is_looked_at_after_each_tag() {
        for deep in
            ["<div>", "<DIV></p>", "<ul><li>", "<b></i>", "<div title=\"</div>\">", "<div><!--</div>-->"]
        {
            assert_eq!(looked_at(&deep.repeat(101)), Err(TooComplex::Nested), "{deep}");
            assert_eq!(looked_at(&deep.repeat(40)), Ok(()), "{deep}");
        }
        let nested = |depth: usize| format!("{}a{}", "<div>".repeat(depth), "</div>".repeat(depth));
        assert_eq!(looked_at(&nested(100)), Ok(()));
        assert_eq!(looked_at(&nested(101)), Err(TooComplex::Nested));
        // An element that will be opened again counts as open.
        assert_eq!(
            looked_at(&(0..101).map(|number| format!("<p><b x={number}></p>")).collect::<String>()),
            Err(TooComplex::Nested)
        );
        for flat in [
            "<div>a</div>\n",
            "<p>a\n",
            "<br>",
            "<li>a",
            "<h1></h2>a</h1>",
            "<!-- -->\n\n",
            "<table><tr><td>a</table>",
            "</p>",
        ] {
            assert_eq!(looked_at(&flat.repeat(5_000)), Ok(()), "{flat}");
        }
    }

    #[test]
    fn what_would_be_made_too_often_is_not_made() {
        for html in [
            // Formatting that is opened again in each block, with its attributes.
            format!(
                "<p>{}{}",
                (0..90).map(|number| format!("<b x={number}>")).collect::<String>(),
                "<p>a".repeat(100_000)
            ),
            format!("<p><a href=\"https://a.example/{}\">{}", "a".repeat(100_000), "<p>a".repeat(100_000)),
            // A place that is searched for among all siblings.
            format!("<table>{}", "<i></i>".repeat(100_000)),
            (0..100_000).map(|number| format!("<html a{number}>")).collect(),
        ] {
            assert_eq!(looked_at(&html), Err(TooComplex::Costly), "{}", &html[..40]);
        }
        assert_eq!(looked_at(&format!("<table>{}", "<i>a</i>".repeat(2_000))), Ok(()));
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let html = format!("<a {}>", (0..150_000).map(|number| format!("a{number} ")).collect::<String>());
        assert_eq!(check(&html, &Stop::after(Duration::from_millis(200))), Err(TooComplex::Costly));
    }
}
