// The search page: dispatches a job over REST, follows it, and shows what splunkd answers.
const page = JSON.parse(document.getElementById('search-page').textContent);
const $ = (id) => document.getElementById(id);
const PAGE_ROWS = 100;
const POLL_MS = 400;
const RAW = '/en-US/splunkd/__raw';
const NUMBER = /^-?\d+(\.\d+)?$/;

const RANGES = [
    ['Last 15 minutes', '-15m', 'now'],
    ['Last 60 minutes', '-60m@m', 'now'],
    ['Last 4 hours', '-4h@m', 'now'],
    ['Last 24 hours', '-24h@h', 'now'],
    ['Last 7 days', '-7d@h', 'now'],
    ['All time', '0', ''],
];
const CUSTOM = 'Custom…';

let job = null; // {sid, resultCount, offset}; replaced by each run
let added = 0; // how many characters were put before what was typed

const formKey = () => {
    const name = `splunkweb_csrf_token_${location.port || (location.protocol === 'https:' ? 443 : 80)}=`;
    const entry = document.cookie.split('; ').find((c) => c.startsWith(name));
    return entry ? decodeURIComponent(entry.slice(name.length)) : '';
};

async function call(method, path, params) {
    const query = new URLSearchParams({ output_mode: 'json', ...params }).toString();
    const write = method === 'POST';
    const response = await fetch(write ? RAW + path : `${RAW}${path}?${query}`, {
        method,
        credentials: 'same-origin',
        headers: {
            'X-Requested-With': 'XMLHttpRequest',
            ...(write && {
                'X-Splunk-Form-Key': formKey(),
                'Content-Type': 'application/x-www-form-urlencoded',
            }),
        },
        ...(write && { body: query }),
    });
    if (response.status === 401) {
        location.reload(); // the session has ended: the server sends us to the login page
    }
    if (response.status === 204) {
        return { fields: [], rows: [], messages: [] };
    }
    const body = await response.json();
    if (!response.ok) {
        const text = (body.messages || []).map((m) => m.text).join('\n');
        throw new Error(text || `splunkd answered ${response.status}`);
    }
    return body;
}

function show(kind, text) {
    const box = document.createElement('div');
    box.className = `message ${kind}`;
    box.setAttribute('role', kind === 'error' ? 'alert' : 'status');
    box.textContent = text;
    $('messages').append(box);
    return box;
}

// splunkd says where a search is wrong as "... position N ..."; mark that place in the search.
function showError(text) {
    const box = show('error', text);
    const found = /\bposition (\d+)/.exec(text);
    if (!found) {
        return;
    }
    const spl = $('spl').value.trim();
    const at = Math.min(Math.max(Number(found[1]) - added, 0), spl.length);
    const end = at + (/^[\w.:=-]+|^./.exec(spl.slice(at)) || [''])[0].length;
    const where = document.createElement('div');
    const mark = document.createElement('mark');
    where.className = 'where';
    mark.textContent = spl.slice(at, end) || ' ';
    where.append(spl.slice(0, at), mark, spl.slice(end));
    box.append(where);
    $('spl').classList.add('bad');
}

function showMessages(messages) {
    const kinds = { FATAL: 'error', ERROR: 'error', WARN: 'warn', INFO: 'info' };
    for (const message of messages || []) {
        const kind = kinds[message.type] || 'info';
        if (kind === 'error') {
            showError(message.text);
        } else {
            show(kind, message.text);
        }
    }
}

function timeRange() {
    const chosen = RANGES.find(([label]) => label === $('range').value);
    return chosen ? chosen.slice(1) : [$('earliest').value.trim(), $('latest').value.trim()];
}

async function run(event) {
    event?.preventDefault();
    const spl = $('spl').value.trim();
    if (!spl) {
        return;
    }
    const [earliest, latest] = timeRange();
    remember(spl, earliest, latest);
    $('messages').replaceChildren();
    $('results').replaceChildren();
    $('pager').hidden = true;
    $('spl').classList.remove('bad');
    busy(true);
    const mine = (job = { sid: '', resultCount: 0, offset: 0 });
    try {
        const search = /^(\||search\s)/.test(spl) ? spl : `search ${spl}`;
        added = search.length - spl.length;
        const form = { search, earliest_time: earliest, latest_time: latest };
        const made = await call('POST', `/servicesNS/-/${encodeURIComponent(page.app)}/search/jobs`, form);
        mine.sid = made.sid;
        await follow(mine);
    } catch (error) {
        if (job === mine) {
            $('status').textContent = 'The search failed.';
            showError(error.message);
        }
    } finally {
        if (job === mine) {
            busy(false);
        }
    }
}

async function follow(mine) {
    while (job === mine) {
        const { entry } = await call('GET', `/services/search/jobs/${encodeURIComponent(mine.sid)}`);
        const state = entry[0].content;
        if (job !== mine) {
            return;
        }
        $('status').textContent = `${state.dispatchState.toLowerCase()} · ${state.scanCount ?? 0} events read`;
        if (state.isFailed || state.dispatchState === 'FAILED') {
            showMessages(state.messages);
            $('status').textContent = 'The search failed.';
            return;
        }
        if (state.isDone) {
            mine.resultCount = Number(state.resultCount);
            const seconds = Number(state.runDuration).toFixed(2);
            mine.summary = `${mine.resultCount} result${mine.resultCount === 1 ? '' : 's'} in ${seconds} s`;
            showMessages(state.messages);
            await showPage(mine);
            return;
        }
        await new Promise((done) => setTimeout(done, POLL_MS));
    }
}

async function showPage(mine) {
    const path = `/services/search/v2/jobs/${encodeURIComponent(mine.sid)}/results`;
    const body = await call('GET', path, {
        output_mode: 'json_rows',
        count: PAGE_ROWS,
        offset: mine.offset,
    });
    if (job !== mine) {
        return;
    }
    $('status').textContent = mine.summary;
    $('results').replaceChildren(body.rows.length ? table(body, mine.offset) : nothing());
    $('pager').hidden = mine.resultCount <= PAGE_ROWS;
    const last = mine.offset + body.rows.length;
    $('page').textContent = `${mine.offset + 1} – ${last} of ${mine.resultCount}`;
    $('previous').disabled = mine.offset === 0;
    $('next').disabled = last >= mine.resultCount;
}

function nothing() {
    const text = document.createElement('p');
    text.className = 'dim';
    text.textContent = 'The search ran and found nothing.';
    return text;
}

function cell(value) {
    const td = document.createElement('td');
    const text = Array.isArray(value) ? value.join('\n') : (value ?? '');
    td.textContent = text;
    if (NUMBER.test(text)) {
        td.className = 'number';
    }
    return td;
}

function table(body, offset) {
    const names = body.fields.map((f) => (typeof f === 'string' ? f : f.name));
    // Splunk's own tables hide internal fields other than _time and _raw
    const shown = names
        .map((name, index) => ({ name, index }))
        .filter(({ name }) => !name.startsWith('_') || name === '_time' || name === '_raw');
    const element = document.createElement('table');
    element.className = 'results';
    const head = element.createTHead().insertRow();
    const isNumeric = ({ index }) => body.rows.every((row) => NUMBER.test(row[index]));
    for (const column of [{ name: '#' }, ...shown]) {
        const th = document.createElement('th');
        th.textContent = column.name;
        th.scope = 'col';
        th.className = column.name !== '#' && isNumeric(column) ? 'number' : '';
        head.append(th);
    }
    const rows = element.createTBody();
    body.rows.forEach((row, number) => {
        const tr = rows.insertRow();
        const first = tr.insertCell();
        first.className = 'rownum';
        first.textContent = offset + number + 1;
        shown.forEach(({ index }) => tr.append(cell(row[index])));
    });
    const scroll = document.createElement('div');
    scroll.className = 'scroll card';
    scroll.append(element);
    return scroll;
}

function busy(running) {
    $('run').disabled = running;
    $('cancel').hidden = !running;
    if (running) {
        $('status').textContent = 'Sending the search…';
    }
}

async function cancel() {
    const { sid } = job;
    job = null;
    busy(false);
    $('status').textContent = 'Cancelled.';
    if (sid) {
        await call('POST', `/services/search/jobs/${encodeURIComponent(sid)}/control`, { action: 'cancel' });
    }
}

function remember(q, earliest, latest) {
    const url = new URL(location.href);
    Object.entries({ q, earliest, latest }).forEach(([k, v]) => url.searchParams.set(k, v));
    history.replaceState(null, '', url);
}

function fit() {
    $('spl').style.height = 'auto';
    $('spl').style.height = `${$('spl').scrollHeight + 2}px`;
}

function turn(by) {
    job.offset = Math.max(0, job.offset + by * PAGE_ROWS);
    showPage(job).catch((error) => showError(error.message));
}

function start() {
    $('range').append(...[...RANGES.map(([label]) => label), CUSTOM].map((label) => new Option(label)));
    const known = RANGES.find(([, earliest, latest]) => earliest === page.earliest && latest === page.latest);
    $('range').value = known ? known[0] : CUSTOM;
    $('earliest').value = page.earliest;
    $('latest').value = page.latest;
    $('custom').hidden = Boolean(known);
    $('range').addEventListener('change', () => ($('custom').hidden = $('range').value !== CUSTOM));
    $('form').addEventListener('submit', run);
    $('cancel').addEventListener('click', cancel);
    $('previous').addEventListener('click', () => turn(-1));
    $('next').addEventListener('click', () => turn(1));
    $('spl').addEventListener('input', fit);
    $('spl').addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && !event.shiftKey) {
            run(event);
        }
    });
    $('spl').value ||= page.q; // somebody may have typed already
    $('run').disabled = false; // until now the form would have been sent to the server
    fit();
    $('spl').focus();
    if (page.q) {
        run();
    }
}

start();
