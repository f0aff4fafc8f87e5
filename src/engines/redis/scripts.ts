/**
 * What must happen at once, in Redis. `members`: owner token → end of its lease and name of its node. `estates`: estate →
 * owner token of its holder. `lost:<estate>`: it was taken from its first holder. `claims`: id → owner token, stamp, key.
 */
const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(n) return string.format('%.0f', n) end
`;

const LIVING = `
local function living(members)
  local names = {}
  local all = redis.call('HGETALL', members)
  for i = 1, #all, 2 do
    local ends, name = string.match(all[i + 1], '^(%d+) (.*)$')
    if ends and tonumber(ends) > now then names[all[i]] = name end
  end
  return names
end
local function lives(members, owner)
  local ends = string.match(redis.call('HGET', members, owner) or '', '^(%d+) ')
  return ends and tonumber(ends) > now
end
`;

export const SCRIPTS = {
  /** KEYS members, estates. ARGV owner, node, estate, lease. */
  join: `${CLOCK}
redis.call('HSET', KEYS[1], ARGV[1], number(now + ARGV[4]) .. ' ' .. ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[1])
local old = {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[1] and all[i] ~= ARGV[3] and string.sub(all[i], 1, #ARGV[1] + 1) == ARGV[1] .. '.' then old[#old + 1] = all[i] end
end
return old`,

  /** KEYS members, estates, lost:<estate>. ARGV owner, node, estate, lease. */
  renew: `${CLOCK}${LIVING}
if redis.call('EXISTS', KEYS[3]) == 1 then return {'lost'} end
if redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[1] then return {'missing'} end
redis.call('HSET', KEYS[1], ARGV[1], number(now + ARGV[4]) .. ' ' .. ARGV[2])
local names = living(KEYS[1])
local bereaved = 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local own = string.sub(all[i], 1, #ARGV[1] + 1) == ARGV[1] .. '.'
  if not names[all[i + 1]] or (all[i + 1] == ARGV[1] and not own) then bereaved = 1 end
end
local answer = {'kept', number(now), bereaved}
for owner, name in pairs(names) do
  answer[#answer + 1] = owner
  answer[#answer + 1] = name
end
return answer`,

  /** KEYS members. */
  members: `${CLOCK}${LIVING}
local answer = {}
for owner, name in pairs(living(KEYS[1])) do
  answer[#answer + 1] = owner
  answer[#answer + 1] = name
end
return answer`,

  /** KEYS members, estates. ARGV owner, prefix of keys. */
  leave: `
redis.call('HDEL', KEYS[1], ARGV[1])
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[1] and redis.call('EXISTS', ARGV[2] .. 'open:' .. all[i]) == 0 then redis.call('HDEL', KEYS[2], all[i]) end
end
return 1`,

  /** KEYS members, estates. ARGV owner, prefix of keys, how long a fence stands. */
  inherit: `${CLOCK}${LIVING}
local names = living(KEYS[1])
local mine = {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local estate, holder = all[i], all[i + 1]
  local own = string.sub(estate, 1, #ARGV[1] + 1) == ARGV[1] .. '.'
  if holder == ARGV[1] then
    if not own then mine[#mine + 1] = estate end
  elseif not names[holder] then
    redis.call('HSET', KEYS[2], estate, ARGV[1])
    redis.call('SET', ARGV[2] .. 'lost:' .. estate, ARGV[1], 'PX', ARGV[3])
    mine[#mine + 1] = estate
  end
end
local members = redis.call('HKEYS', KEYS[1])
for i = 1, #members do
  if not names[members[i]] then redis.call('HDEL', KEYS[1], members[i]) end
end
return mine`,

  /** KEYS estates. ARGV owner, prefix of keys, estate, how long a fence stands. */
  forfeit: `
if redis.call('HGET', KEYS[1], ARGV[3]) ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[1], '-' .. ARGV[3], '-')
if redis.call('EXISTS', ARGV[2] .. 'open:' .. ARGV[3]) == 1 then
  redis.call('RENAME', ARGV[2] .. 'open:' .. ARGV[3], ARGV[2] .. 'open:-' .. ARGV[3])
end
redis.call('SET', ARGV[2] .. 'lost:' .. ARGV[3], ARGV[1], 'PX', ARGV[4])
return 1`,

  /** KEYS estates, open:<estate>. ARGV owner, estate, number of opened, then each with its key before it, then keys forgotten. */
  write: `
if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[1] then return 0 end
local last = 3 + 2 * ARGV[3]
for i = 4, last, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
return 1`,

  /** KEYS members, claims. ARGV owner, id, key, 1 where it may replace, stamp or nothing. */
  claim: `${CLOCK}${LIVING}
local owner, stamp, key = string.match(redis.call('HGET', KEYS[2], ARGV[2]) or '', '^(%S+) (%d+) (.*)$')
local held = owner and lives(KEYS[1], owner)
local own = ARGV[5]
if own == '' then
  if held and ARGV[4] == '0' and key ~= ARGV[3] then return {0, stamp, owner, key} end
  own = number(now)
  if owner and tonumber(stamp) >= now then own = number(stamp + 1) end
elseif held and key ~= ARGV[3] and tonumber(stamp) > tonumber(own) then
  return {0, stamp, owner, key}
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1] .. ' ' .. own .. ' ' .. ARGV[3])
if held then return {1, own, owner, key} end
return {1, own}`,

  /** KEYS claims. ARGV id, key. */
  release: `
local key = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^%S+ %d+ (.*)$')
if key == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1`,

  /** KEYS members, claims. ARGV id, the owner token that it may begin with. */
  locate: `${CLOCK}${LIVING}
local owner = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^(%S+) ')
if owner and lives(KEYS[1], owner) then return owner end
if lives(KEYS[1], ARGV[2]) then return ARGV[2] end
return ''`,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
