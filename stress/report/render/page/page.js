'use strict';
document.documentElement.classList.add('on');

// make is an element with a class and what is in it: texts and elements.
function make(tag, name, ...inside) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  e.append(...inside.filter((one) => one !== null && one !== undefined));
  return e;
}

// HERE is the column that a narrow window has no room for: where threads stand is told below, too.
const HERE = 'threads here';

// rows is a table with a caption, the names of its columns, and its rows.
function rows(caption, heads, body) {
  const head = make('tr', '', ...heads.map((h) => {
    const th = make('th', h === HERE ? 'wide-only' : '', h);
    th.scope = 'col';
    return th;
  }));
  return make('table', '', make('caption', '', caption), make('thead', '', head), make('tbody', '', ...body));
}

function holds(slot) {
  return slot ? make('span', 'tag ' + slot.class, slot.text + (slot.stale ? '*' : '')) : '';
}

// sites shows what memory holds: bytes where the engine knows some, words, and what the other engine
// has at the same step.
function sites(state, engine) {
  const stale = state.sites.some((s) => (s.slots || []).some((slot) => slot.stale));
  const out = state.sites.map((site) => {
    const slots = site.slots || [];
    const bytes = slots.some((s) => s.bytes);
    const other = state.other && (state.other.sites || []).find((o) => o.name === site.name);
    const others = other ? other.slots || [] : [];
    const otherBytes = others.some((s) => s.bytes);
    const heads = ['slot', engine];
    if (bytes || otherBytes) heads.splice(bytes ? 1 : 2, 0, 'bytes');
    if (other) heads.push(state.other.engine);
    const here = slots.some((slot) => slot.here);
    if (here) heads.push(HERE);
    const body = slots.map((slot, n) => {
      const raw = bytes ? slot.bytes : others[n] && others[n].bytes;
      const cells = [make('td', slot.changed ? 'now' : '', slot.name)];
      if (bytes) cells.push(make('td', 'c', raw));
      cells.push(make('td', 'c', holds(slot)));
      if (!bytes && otherBytes) cells.push(make('td', 'c', raw));
      if (other) cells.push(make('td', 'c', holds(others[n])));
      if (here) cells.push(make('td', 'wide-only', ...(slot.here || []).map((t) => make('div', 'here', t))));
      return make('tr', '', ...cells);
    });
    const last = [make('td', '', 'state')];
    if (bytes) last.push(make('td', ''));
    last.push(make('td', 'letter', site.state));
    if (!bytes && otherBytes) last.push(make('td', ''));
    if (other) last.push(make('td', 'letter', other.state));
    if (here) last.push(make('td', 'wide-only'));
    body.push(make('tr', '', ...last));
    return rows(site.name, heads, body);
  });
  if (stale) out.push(make('p', 'note', '* some CPU may still fetch older bytes'));
  return out;
}

// threads shows where each thread stands, and what it executed of the site that it is in.
function threads(state) {
  return rows('Threads', ['thread', 'stands at', 'executed of the site'], state.threads.map((t) =>
    make('tr', '', make('td', '', t.name), make('td', 'c wrap', t.at),
      make('td', (t.saw || '').endsWith('forbidden') ? 'forbidden' : '', t.saw || ''))));
}

// machine shows the instruction of a step, and the registers as far as steps changed them.
function machine(state) {
  const out = [];
  const code = state.code;
  if (code) {
    out.push(rows('Machine code of the step', ['at', 'bytes', 'instruction', 'executed'], [make('tr', '',
      make('td', 'c wrap', code.at), make('td', 'c', code.bytes), make('td', 'c wrap', code.text), make('td', 'n', String(code.count)))]));
  }
  for (const t of state.threads) {
    if (!t.regs) continue;
    out.push(rows('Registers of ' + t.name + ', as far as steps changed them', ['register', 'value'], t.regs.map((r) =>
      make('tr', '', make('td', r.changed ? 'now' : '', r.name), make('td', 'c', r.value)))));
  }
  return out;
}

// A viewer steps through one counterexample.
function viewer(box) {
  const states = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
  const lines = [...box.querySelectorAll('.lanes tbody tr')];
  const frame = box.querySelector('.lanes');
  const range = box.querySelector('input[type=range]');
  const last = states.length - 1;
  const name = box.dataset.engine || 'holds';
  let at = 0;

  function show(n) {
    at = Math.max(0, Math.min(last, n));
    const state = states[at];
    lines.forEach((line, i) => i === at ? line.setAttribute('aria-current', 'step') : line.removeAttribute('aria-current'));
    const head = frame.querySelector('thead').offsetHeight;
    const line = lines[at];
    if (line.offsetTop - head < frame.scrollTop) frame.scrollTop = line.offsetTop - head;
    const below = line.offsetTop + line.offsetHeight - frame.clientHeight;
    if (below > frame.scrollTop) frame.scrollTop = below;
    const words = (state.who ? state.who + ': ' : '') + state.words;
    const title = make('h3', '', words);
    if (state.other) {
      const o = state.other;
      title.append(make('small', '', o.same ? 'the ' + o.engine + ' engine takes the same step as its step ' + o.step :
        at === 0 ? '' : 'no such step in the ' + o.engine + " engine's counterexample, which is at its step " + o.step));
    }
    box.querySelector('.state').replaceChildren(title, ...sites(state, name), threads(state), ...machine(state));
    box.querySelector('.at').textContent = 'step ' + at + ' of ' + last;
    range.value = String(at);
    range.setAttribute('aria-valuetext', 'step ' + at + ' of ' + last + ', ' + words);
    box.querySelector('[role=status]').textContent = 'step ' + at + ' of ' + last + ', ' + words + '. ' +
      state.sites.map((s) => s.name + ': ' + (s.slots || []).map((slot) => slot.name + ' ' + slot.text).join(', ') +
        ', state ' + s.state).join('; ') + (at === last ? '. ' + box.querySelector('.says').textContent : '');
    for (const b of box.querySelectorAll('[data-go]')) {
      b.disabled = at === (b.dataset.go === 'first' || b.dataset.go === 'back' ? 0 : last);
    }
  }
  // to goes to a step, and gives the page its address.
  function to(n) {
    show(n);
    history.replaceState(null, '', '#' + box.closest('[id]').id + ':' + at);
  }
  const go = { first: () => to(0), back: () => to(at - 1), on: () => to(at + 1), last: () => to(last), show };

  box.addEventListener('click', (e) => {
    const button = e.target.closest('[data-go]');
    const line = e.target.closest('.lanes tbody tr');
    if (button) go[button.dataset.go]();
    if (line) to(lines.indexOf(line));
  });
  range.addEventListener('input', () => to(Number(range.value)));
  show(0);
  return go;
}

const keys = { ArrowRight: 'on', ArrowLeft: 'back', ArrowDown: 'on', ArrowUp: 'back', Home: 'first', End: 'last', n: 'on', p: 'back' };
const viewers = new Map();
for (const box of document.querySelectorAll('.witness')) viewers.set(box, null);

// of makes a viewer when it is first needed: a page may have a hundred.
function of(box) {
  if (!viewers.get(box)) viewers.set(box, viewer(box));
  return viewers.get(box);
}
for (const box of viewers.keys()) {
  const fold = box.closest('details');
  if (fold) fold.addEventListener('toggle', () => of(box));
  else of(box);
}

// Arrow keys step the counterexample that has the focus; left and right also the first one of a page
// whose focus is nowhere.
document.addEventListener('keydown', (e) => {
  if (e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || !(e.key in keys)) return;
  const focused = document.activeElement;
  let box = focused.closest('.witness');
  if (!box && focused === document.body && /^(Arrow(Left|Right)|n|p)$/.test(e.key)) {
    box = [...viewers.keys()].find((one) => one.offsetParent !== null);
  }
  if (!box || focused.matches('input[type=search]')) return;
  e.preventDefault();
  of(box)[keys[e.key]]();
});

// Filters hide the rows that lack a word.
function filter(field) {
  const box = field.closest('.filter');
  const table = box.nextElementSibling.querySelector('table');
  const all = [...table.tBodies[0].rows];
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of all) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((w) => text.includes(w));
  }
  const shown = all.filter((row) => !row.hidden).length;
  box.querySelector('output').textContent = (words.length ? shown + ' of ' : '') + all.length + ' ' + table.dataset.filter;
}
document.addEventListener('input', (e) => {
  if (e.target.matches('input[type=search]')) filter(e.target);
});

// An address leads to a section, or with a number to a step of a counterexample. What is folded opens.
function open() {
  const [id, step] = decodeURIComponent(location.hash.slice(1)).split(':');
  const to = id && document.getElementById(id);
  if (!to) return;
  if (to.tagName === 'DETAILS') to.open = true;
  const box = to.matches('.witness') ? to : to.querySelector('.witness');
  if (!box || step === undefined && to === box) return;
  box.focus({ preventScroll: true });
  if (step === undefined) return;
  of(box).show(Number(step) || 0);
  to.scrollIntoView({ block: 'nearest' });
}
addEventListener('hashchange', open);
open();

// Only what can be scrolled needs the focus for that.
for (const box of document.querySelectorAll('.wide')) box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;

// A page of a server brings itself up to date, but for what its reader is at: counterexamples, and what
// has the focus.
const live = document.querySelector('.live');
let tag = '';
async function refresh() {
  let text;
  try {
    const got = await fetch(location.pathname, { cache: 'no-cache' });
    if (!got.ok) throw new Error(await got.text());
    if (got.headers.get('ETag') === tag) return;
    tag = got.headers.get('ETag');
    text = await got.text();
  } catch (e) {
    live.textContent = 'Nothing new since ' + new Date().toLocaleTimeString() + ': ' + e.message;
    tag = '';
    return;
  }
  const page = new DOMParser().parseFromString(text, 'text/html');
  const parts = (d) => new Map([...d.querySelectorAll('header, footer, main > [id]')].map((e) => [e.id || e.tagName, e]));
  const old = parts(document);
  for (const [name, now] of parts(page)) {
    const was = old.get(name);
    old.delete(name);
    if (!was) document.querySelector('main').append(now);
    else if (!was.querySelector('.witness') && !was.contains(document.activeElement)) was.replaceWith(now);
    for (const field of now.querySelectorAll('input[type=search]')) {
      field.value = was?.querySelector('input[type=search]')?.value || '';
      filter(field);
    }
  }
  for (const gone of old.values()) if (!gone.querySelector('.witness')) gone.remove();
  document.title = page.title;
  live.textContent = 'Live: as of ' + new Date().toLocaleTimeString();
}
if (live) {
  setInterval(refresh, 1000 * Number(document.documentElement.dataset.live));
  addEventListener('focus', refresh);
  refresh();
}
