// The pure functions of the pages' modules, called as the pages call them. The value is a list of what does not hold.
(async () => {
  const days = await import('/static/days.js');
  const zones = await import('/static/zones.js');
  const words = await import('/static/words.js');
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const square = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]];
  const now = new Date(2026, 2, 1, 12);
  const { from, to } = days.boundsOf('2026-02-28');
  return Object.entries({
    'the day after the end of a month': days.dayAfter('2026-02-28') === '2026-03-01',
    'the day before a year': days.dayAfter('2026-01-01', -1) === '2025-12-31',
    'a day ends where the next begins': to === days.boundsOf('2026-03-01').from && Date.parse(to) > Date.parse(from),
    'the last moment of a day belongs to it': days.dayOf(Date.parse(to) - 1) === '2026-02-28',
    'today, yesterday': days.nameOf('2026-03-01', now) === 'Today' && days.nameOf('2026-02-28', now) === 'Yesterday',
    'a day of another year has it': !days.nameOf('2026-02-27', now).includes('2026') && days.nameOf('2025-02-27', now).includes('2025'),
    'rows by day, in their order': same(days.byDay([{ at: to }, { at: from }], (row) => row.at).map(([day]) => day), ['2026-03-01', '2026-02-28']),
    'a zone is read as it was written': zones.textOf(zones.areaOf('door=0.1,0.2 0.5,0.2 0.5,0.9')) === 'door=0.1,0.2 0.5,0.2 0.5,0.9',
    'an ignored area has no name': zones.areaOf('0,0 1,0 1,0.1').name === null && zones.textOf({ name: null, points: [[0, 0], [1, 0], [1, 0.1]] }) === '0,0 1,0 1,0.1',
    'nothing leaves the picture': same(zones.withPoint(square, 0, [-1, 2])[0], [0, 1]),
    'what is moved keeps its form': same(zones.shifted(square, [9, 0]).map(([x]) => Math.round(x * 100) / 100), [0.6, 1, 1, 0.6]),
    'a corner comes in the middle': same(zones.withCorner(square, 0)[1], [0.3, 0.1]),
    'three corners stay': zones.withoutCorner(zones.withoutCorner(square, 0), 0).length === 3,
    'no more than 32 corners': zones.withCorner(Array.from({ length: 32 }, () => [0, 0]), 3).length === 32,
    'a name as the node takes it': zones.nameFrom(' Front Door! ') === 'front_door_',
    'two of a name': zones.faultOf([{ name: 'a' }, { name: 'a' }]).includes('Two zones') && zones.faultOf([{ name: 'a' }, { name: null }, { name: null }]) === '',
    'a zone without a name': zones.faultOf([{ name: '' }]) !== '',
    'the next free name': zones.freeName([{ name: 'zone_1' }, { name: null }]) === 'zone_2',
    'spans': same([7.4, 60, 125, 3780].map(words.spanOf), ['7 s', '1 min', '2 min 5 s', '1 h 3 min']),
    'what is under way has no length': words.lengthOf({ at: from, ended_at: null }) === 'still going on',
    'where it moved': words.reasonsOf({ kind: 'motion', zones: ['door', 'path'], at: from, ended_at: to, pre_roll_s: 0 })[0] === 'Something moved in door and path.',
    'an event without a film': words.reasonsOf({ kind: 'motion', at: from, ended_at: to }).includes('It was not recorded.'),
  }).filter(([, holds]) => !holds).map(([what]) => what);
})()
