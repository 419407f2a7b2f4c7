#!lua name=mdhub_log_v2
-- The only writers of the log. All checks come first, then all writes: a script is not rolled back.
-- Changing this file means a new version in its name and in the names of its functions.

-- Incarnation led in this server process, per shard. Nil after a restart and on a promoted
-- replica, so nothing can be appended before a leader has taken this very process. A master that
-- became a replica and is promoted again still knows its own: then the log names a later one.
local led = {}

local function refuse(code, text)
  return redis.error_reply(code .. ' ' .. text)
end

local function split_id(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms, seq
end

-- Sequence parts go beyond 2^53, so ids are compared as digit strings.
local function digits_less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function id_less(a, b)
  local a_ms, a_seq = split_id(a)
  local b_ms, b_seq = split_id(b)
  if a_ms ~= b_ms then return digits_less(a_ms, b_ms) end
  return digits_less(a_seq, b_seq)
end

local function field(key, name, default)
  return redis.call('HGET', key, name) or default
end

-- Whether a leader has taken this very process, and no other process since.
local function taken(leader)
  return led[leader] and led[leader] == field(leader, 'incarnation', '')
end

-- The refusal of whoever does not lead, or nil.
local function not_leading(leader, token)
  if not taken(leader) then return refuse('NOLEAD', 'no leader has taken this server yet') end
  local in_force = field(leader, 'token', '0')
  if in_force ~= token then return refuse('FENCED', 'token in force is ' .. in_force) end
end

-- KEYS raw, writers, leader
-- ARGV writer, session, first_seq, lost, kinds, payload...
-- Returns the newest seq the log has of this session.
local function raw_append(keys, args)
  if not taken(keys[3]) then return refuse('NOLEAD', 'no leader has taken this server yet') end
  local writer, session = args[1], tonumber(args[2])
  local first, lost, kinds = tonumber(args[3]), tonumber(args[4]), args[5]
  if #args ~= 5 + #kinds then return refuse('ARITY', #args .. ' arguments') end
  local have_session, have = 0, 0
  local stored = redis.call('HGET', keys[2], writer)
  if stored then
    local s, q = string.match(stored, '^(%d+):(%d+)$')
    have_session, have = tonumber(s), tonumber(q)
  end
  if session < have_session then
    return refuse('SUPERSEDED', 'writer ' .. writer .. ' has session ' .. have_session)
  end
  if session > have_session then have = 0 end
  if first > have + 1 then
    return refuse('HOLE', 'expected seq ' .. (have + 1) .. ', found ' .. first)
  end
  if lost > 0 and first <= have and first + lost - 1 > have then
    return refuse('HOLE', 'lost range overlaps seq ' .. have)
  end
  local seq = first
  for i = 1, #kinds do
    local last = seq
    if i == 1 and lost > 0 then last = seq + lost - 1 end
    if last > have then
      redis.call('XADD', keys[1], '*', string.sub(kinds, i, i), args[5 + i])
      have = last
    end
    seq = last + 1
  end
  redis.call('HSET', keys[2], writer, string.format('%.0f:%.0f', session, have))
  return have
end

-- KEYS clean, rejected, pos, leader
-- ARGV token, expected_raw, raw, n, log_ns, market_ns, digest, n_clean, n_rejected,
--      (id, header, field, payload)..., (id, header, payload)...
local function clean_append(keys, args)
  local refusal = not_leading(keys[4], args[1])
  if refusal then return refusal end
  local at = field(keys[3], 'raw', '0-0')
  if at ~= args[2] then return refuse('POSITION', 'committed raw position is ' .. at) end
  if id_less(args[3], at) then return refuse('POSITION', 'position would go back to ' .. args[3]) end
  local n_clean, n_rejected = tonumber(args[8]), tonumber(args[9])
  if #args ~= 9 + 4 * n_clean + 3 * n_rejected then return refuse('ARITY', #args .. ' arguments') end
  local clean = field(keys[3], 'clean', '0-0')
  local rejected = field(keys[3], 'rejected', '0-0')
  for i = 10, 9 + 4 * n_clean, 4 do
    if not id_less(clean, args[i]) then return refuse('ORDER', args[i] .. ' after ' .. clean) end
    clean = args[i]
  end
  local first_rejected = 10 + 4 * n_clean
  for i = first_rejected, #args, 3 do
    if not id_less(rejected, args[i]) then return refuse('ORDER', args[i] .. ' after ' .. rejected) end
    rejected = args[i]
  end
  for i = 10, 9 + 4 * n_clean, 4 do
    redis.call('XADD', keys[1], args[i], 'h', args[i + 1], args[i + 2], args[i + 3])
  end
  for i = first_rejected, #args, 3 do
    redis.call('XADD', keys[2], args[i], 'h', args[i + 1], 't', args[i + 2])
  end
  redis.call('HSET', keys[3], 'raw', args[3], 'clean', clean, 'rejected', rejected, 'n', args[4],
    'log_ns', args[5], 'market_ns', args[6], 'digest', args[7])
  redis.call('HINCRBY', keys[4], 'beat', 1)
  return redis.status_reply('OK')
end

-- KEYS raw, writers, pos, leader
-- ARGV expected_token, expected_clean, incarnation, epoch, writer, lead entry
-- Returns the raw id of the first lead entry of this incarnation, and the beat.
local function take(keys, args)
  local token = tonumber(field(keys[4], 'token', '0'))
  if token ~= tonumber(args[1]) then return refuse('FENCED', 'token in force is ' .. token) end
  local clean = field(keys[3], 'clean', '0-0')
  if clean ~= args[2] then return refuse('POSITION', 'newest clean entry is ' .. clean) end
  if tonumber(args[4]) < tonumber(field(keys[4], 'epoch', '0')) then
    return refuse('POSITION', 'epoch would go back to ' .. args[4])
  end
  local id = redis.call('XADD', keys[1], '*', 'c', args[6])
  local lead_id = id
  if taken(keys[4]) and led[keys[4]] == args[3] then lead_id = field(keys[4], 'lead_id', id) end
  led[keys[4]] = args[3]
  redis.call('HSET', keys[4], 'token', string.format('%.0f', token + 1), 'incarnation', args[3],
    'epoch', args[4], 'lead_id', lead_id)
  redis.call('HSET', keys[2], args[5], string.format('%.0f:1', token + 1))
  return {lead_id, field(keys[4], 'beat', '0')}
end

-- KEYS snaps, leader, part...
-- ARGV token, manifest, keep
-- Parts expire until they are committed: a leader may die half-way.
-- Returns the manifests that no longer count.
local function commit_snapshot(keys, args)
  local refusal = not_leading(keys[2], args[1])
  if refusal then return refusal end
  for i = 3, #keys do
    if redis.call('EXISTS', keys[i]) == 0 then return refuse('INCOMPLETE', keys[i] .. ' is gone') end
  end
  for i = 3, #keys do redis.call('PERSIST', keys[i]) end
  local keep = tonumber(args[3])
  redis.call('LPUSH', keys[1], args[2])
  local dropped = redis.call('LRANGE', keys[1], keep, -1)
  redis.call('LTRIM', keys[1], 0, keep - 1)
  return dropped
end

-- KEYS leader
-- ARGV token
-- The leader lives, whatever its commits wait for. Returns the new beat.
local function keep_lead(keys, args)
  local refusal = not_leading(keys[1], args[1])
  if refusal then return refusal end
  return redis.call('HINCRBY', keys[1], 'beat', 1)
end

-- KEYS leader
-- ARGV token
-- The leader goes: nobody needs to wait for its beat to stand still.
local function resign(keys, args)
  local refusal = not_leading(keys[1], args[1])
  if refusal then return refusal end
  redis.call('HSET', keys[1], 'resigned', args[1])
  return redis.status_reply('OK')
end

-- KEYS stream, leader
-- ARGV token, min_id, limit
local function trim(keys, args)
  local refusal = not_leading(keys[2], args[1])
  if refusal then return refusal end
  return redis.call('XTRIM', keys[1], 'MINID', '~', args[2], 'LIMIT', args[3])
end

-- KEYS done marker of the command, events
-- ARGV event, ttl_ms, max_entries
-- Returns 1, or 0 if the command already has its result.
local function command_done(keys, args)
  if redis.call('EXISTS', keys[1]) == 1 then return 0 end
  redis.call('SET', keys[1], '1', 'PX', args[2])
  redis.call('XADD', keys[2], 'MAXLEN', '~', args[3], '*', 'e', args[1])
  return 1
end

-- A full server refuses what adds to the log, never what shows life or makes room.
local function register(name, callback, flags)
  redis.register_function({function_name = name, callback = callback, flags = flags or {}})
end

register('mdhub_raw_append_v2', raw_append)
register('mdhub_clean_append_v2', clean_append)
register('mdhub_take_v2', take)
register('mdhub_keep_lead_v2', keep_lead, {'allow-oom'})
register('mdhub_resign_v2', resign, {'allow-oom'})
register('mdhub_commit_snapshot_v2', commit_snapshot)
register('mdhub_trim_v2', trim, {'allow-oom'})
register('mdhub_command_done_v2', command_done)
