/**
 * The form dialog of an action: it asks for the fields, says what will happen, and keeps drafts.
 */

import { ApiError, loginAddress } from './api.js';
import { Conflict } from './change.js';
import { fill, h } from './dom.js';
import { describe } from './entries.js';
import { moment } from './format.js';
import { readStored, writeStored } from './storage.js';

/** What follows a failed read that the page repeats with each refresh. */
export const RETRY_NOTE = 'The page retries automatically.';

let number = 0;
// Texts of a form that was closed are kept, by Question.draft and field: Escape is pressed easily.
const STORED = 'incident_management.draft.';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} [about] a line below the title
 * @property {import('./actions.js').Field[]} fields
 * @property {function(Object<string, string>): string[]} [effects] what will happen, sentence by sentence
 * @property {boolean} [danger]
 * @property {string} submit the button's text
 * @property {string} [draft] key of the draft: texts that were not sent are filled in again when the form is opened
 *     anew, also after a reload
 * @property {function(Object<string, string>, function(string): void): Promise<void>} act runs the action with the
 *     form's values; may throw. It reports its progress with the second argument
 */

/**
 * Show a form, and act on its values. The dialog stays open, with what was typed, until the action succeeded.
 * If another dialog is open, as the form's choices took long to read, the form is not shown.
 * @param {Question} question
 */
export function ask(question) {
    if (document.querySelector('dialog[open]')) return;
    const inputs = new Map();
    const trouble = h('div', { class: 'wb-trouble', role: 'alert' });
    const effects = h('ul', { class: 'wb-effects' });
    const progress = h('p', { class: 'wb-dim', role: 'status' });
    const submit = h('button', { type: 'submit', class: question.danger ? 'wb-button wb-danger' : 'wb-button wb-primary' }, question.submit);
    const cancel = h('button', { type: 'button', class: 'wb-button', on: { click: () => dialog.close() } }, 'Cancel');
    const typed = () => Object.fromEntries([...inputs].map(([name, input]) => [name, input.value.trim()]));
    const isAsked = (field) => field.asked?.(typed()) ?? true;
    const values = () => Object.fromEntries(question.fields.filter(isAsked).map(({ name }) => [name, inputs.get(name).value.trim()]));
    const updateForm = () => {
        for (const field of question.fields) {
            const input = inputs.get(field.name);
            // A hidden field must not block the form, as a half-typed date would.
            input.disabled = input.closest('.wb-field').hidden = !isAsked(field);
        }
        folded.hidden = !question.fields.some((field) => field.folds && isAsked(field));
        const sentences = question.effects?.(values()) ?? [];
        effects.hidden = !sentences.length;
        fill(effects, sentences.map((sentence) => h('li', {}, sentence)));
    };
    const all = question.fields.map((field) => [Boolean(field.folds), fieldElement(withDraft(question, field), inputs)]);
    const those = (wanted) => all.filter(([folds]) => folds === wanted).map(([, element]) => element);
    const folded = h('details', { class: 'wb-unfold' }, h('summary', {}, 'More fields'), those(true));
    const heading = `wb-dialog-${(number += 1)}`;
    const form = h('form', { method: 'dialog', on: { input: updateForm } },
        h('h2', { id: heading }, question.title),
        question.about && h('p', { class: 'wb-dim' }, question.about),
        those(false), folded, effects, progress, trouble,
        h('div', { class: 'wb-row wb-end' }, cancel, submit));
    const dialog = h('dialog', { class: 'wb-dialog', 'aria-labelledby': heading, on: { close: () => dialog.remove() } }, form);
    form.addEventListener('input', ({ target }) => {
        keepDraft(question, question.fields.find(({ name }) => name === target.name), target.value);
        clearFieldError(target);
    });
    form.addEventListener('invalid', ({ target }) => unfold(target), true); // which the browser then goes to
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        if (submit.getAttribute('aria-disabled')) return;
        submit.setAttribute('aria-disabled', 'true'); // a disabled one would lose the focus
        fill(trouble);
        inputs.forEach(clearFieldError);
        try {
            await question.act(values(), (text) => fill(progress, text));
            for (const field of question.fields) keepDraft(question, field, '');
            dialog.close();
        } catch (error) {
            if (!showFieldErrors(error, inputs)) fill(trouble, explainError(error));
        } finally {
            fill(progress);
            submit.removeAttribute('aria-disabled');
        }
    });
    form.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit(submit);
    });
    (document.querySelector('.workbench') ?? document.body).append(dialog);
    updateForm();
    dialog.showModal();
    const first = question.danger && !inputs.size ? cancel : [...inputs.values()][0] ?? submit;
    first.focus();
    if (first.type === 'text' && first.scrollWidth > first.clientWidth) { // show the beginning of a long text, not its end
        first.setSelectionRange(0, 0);
        first.scrollLeft = 0;
    }
}

/**
 * Show something in a dialog, with a button that closes it.
 * @param {string} title
 * @param {Node} body
 * @param {...Node} buttons before that one
 * @returns {HTMLDialogElement}
 */
export function showInDialog(title, body, ...buttons) {
    const dialog = h('dialog', { class: 'wb-dialog', 'aria-label': title, on: { close: () => dialog.remove() } },
        h('h2', { tabindex: -1 }, title), body,
        h('div', { class: 'wb-row wb-end' }, buttons, h('button', { type: 'button', class: 'wb-button', on: { click: () => dialog.close() } }, 'Close')));
    document.querySelector('.workbench').append(dialog);
    dialog.showModal();
    return dialog;
}

/**
 * What went wrong, and what to do.
 * @param {unknown} error
 * @param {string} [next] what to do after a failed read; if empty, the error is of a failed change
 * @returns {(Node|false)[]}
 */
export function explainError(error, next = '') {
    if (error instanceof Conflict) {
        const news = error.news.map((entry) => {
            const told = describe(entry);
            return h('li', {}, `${moment(entry.time)}, ${entry.actor}: ${told.title}${told.text ? ` – ${told.text}` : ''}`);
        });
        const isNew = news.length > 0;
        return [h('p', {}, error.message, isNew && ' New since then:'), isNew && h('ul', {}, news), h('p', {}, 'Your text is kept. Send it again if it still applies.')];
    }
    if (error instanceof ApiError && error.kind === 'session') {
        const after = next || 'Then continue here: your text is kept.';
        return [h('p', {}, error.message, ' ', h('a', { href: loginAddress(), target: '_blank' }, 'Log in again'), ` in another tab. ${after}`)];
    }
    if (error instanceof ApiError && error.kind === 'away') {
        return [h('p', {}, `${error.message} ${next || `Send it again${error.retryAfter ? ` in ${error.retryAfter} seconds` : ''}. A repeated request has no second effect.`}`)];
    }
    if (error instanceof ApiError) return [h('p', {}, error.message)];
    throw error;
}

/**
 * The message in place of something that could not be read.
 * @param {unknown} error
 * @param {string} next what to do
 * @returns {Element}
 */
export function readFailure(error, next) {
    return h('div', { class: 'wb-trouble', role: 'alert' }, explainError(error, next));
}

/** Show an error at each custom field that it is about, and focus the first. Return whether that shows all of it. */
function showFieldErrors(error, inputs) {
    const wrong = error instanceof ApiError ? Object.entries(error.fields).map(([name, text]) => [inputs.get(`field.${name}`), text]) : [];
    const here = wrong.filter(([input]) => input);
    for (const [input, text] of here) {
        input.setAttribute('aria-invalid', 'true');
        fill(input.closest('.wb-field').querySelector('.wb-wrong'), text);
        unfold(input);
    }
    here[0]?.[0].focus();
    return here.length > 0 && here.length === wrong.length;
}

/** Unfold the section that a field is in. */
function unfold(input) {
    input.closest('details')?.setAttribute('open', '');
}

/** Clear a field's error. */
function clearFieldError(input) {
    input.removeAttribute('aria-invalid');
    fill(input.closest('.wb-field').querySelector('.wb-wrong'));
}

/**
 * Run what a button or box is for, once at a time; an error is shown beside it.
 * @param {HTMLElement} button
 * @param {HTMLElement} trouble
 * @param {function(): Promise<void>} act
 * @returns {Promise<boolean>} whether it succeeded
 */
export async function runOnce(button, trouble, act) {
    if (button.getAttribute('aria-disabled')) return false;
    button.setAttribute('aria-disabled', 'true'); // a disabled one would lose the focus
    fill(trouble);
    try {
        await act();
        return true;
    } catch (error) {
        fill(trouble, explainError(error));
        return false;
    } finally {
        button.removeAttribute('aria-disabled');
    }
}

function keepDraft({ draft }, field, text) {
    if (!draft || field.kind !== 'area') return;
    const began = field.value ?? '';
    writeStored('sessionStorage', `${STORED}${draft}/${field.name}`, text.trim() && text !== began ? JSON.stringify([text, began]) : '');
}

/** Fill in the draft if the text it began with is unchanged, or the field `keeps` it: else it would undo what others wrote. */
function withDraft({ draft }, field) {
    const stored = draft && field.kind === 'area' && readStored('sessionStorage', `${STORED}${draft}/${field.name}`);
    if (!stored) return field;
    const [text, began] = JSON.parse(stored);
    return field.keeps || began === (field.value ?? '') ? { ...field, value: text, help: 'Your unsent text is restored.' } : field;
}

function fieldElement(field, inputs) {
    const id = `wb-field-${(number += 1)}`;
    const help = field.help ? h('small', { id: `${id}-help`, class: 'wb-dim' }, field.help) : null;
    const wrong = h('small', { id: `${id}-wrong`, class: 'wb-wrong', role: 'alert' });
    const common = { id, name: field.name, required: field.required, 'aria-describedby': [help?.id, wrong.id].filter(Boolean).join(' ') };
    let input;
    let list = null;
    if (field.kind === 'select') {
        input = h('select', common, field.options.map(([value, text]) => h('option', { value }, text)));
        if (field.value !== undefined) input.value = field.value;
    } else if (field.kind === 'area') {
        input = h('textarea', { ...common, rows: 3, maxlength: field.most ?? 10_000, value: field.value ?? '' });
    } else {
        list = field.suggestions?.length ? h('datalist', { id: `${id}-list` }, field.suggestions.map(([value, text]) => h('option', { value }, text))) : null;
        const type = { moment: 'datetime-local', time: 'time', date: 'date' }[field.kind] ?? 'text';
        input = h('input', { ...common, type, maxlength: type === 'text' ? field.most ?? 200 : null, autocomplete: 'off', list: list?.id, value: field.value ?? '' });
    }
    inputs.set(field.name, input);
    const marked = field.mark || (field.required && 'required');
    const mark = marked && h('span', { class: 'wb-dim' }, ` (${marked})`);
    return h('div', { class: 'wb-field' }, h('label', { for: id }, field.label, mark), input, list, help, wrong);
}
