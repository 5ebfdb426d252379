-- Leases leads: the one statement that decides who may dial whom.
--
-- $1 campaign, $2 most leads, $3 node, $4 epoch, $5 expiry in ms,
-- $6 zones, $7 lists, $8 ranks, $9 quotas: the groups whose window is open now, best first,
-- $10 zones whose window is open, $11 their local dates,
-- $12 agents who take calls here, $13 leads of their own that each has in hand at most,
-- $14 max attempts of a lead, $15 of a number, $16 of a number a day, $17 ever (NULL: no limit),
-- $18 seconds until a lead is looked at again whose number is claimed, $19 and whose cap is reached,
-- $20 whether it is a test campaign, whose numbers have claims and caps of their own.
--
-- Plan: for each agent and zone, and for each group in order, an index scan of leads_held and
-- leads_due that stops at the limit (Limit above LockRows above Nested Loop: rows that are not needed
-- are not locked, rows that another node is just taking are skipped). Then primary-key look-ups:
-- lead_numbers by (campaign, lead), do_not_call and number_guard by number. Nothing depends on the
-- size of the tables but the depth of their indexes.
--
-- number_guard is claimed in order of the number, so that two leasers can't deadlock; a number
-- that a live lease has claimed is left out. `settled` sees to it that every lead that was looked
-- at leaves the front of the queue: leased, done, or due again later.
--
-- A callback that somebody asked for is not held up by the lead's own caps, but by the number's.
WITH wanted AS MATERIALIZED (
  SELECT w.zone, w.list, w.rank, w.quota, w.place
  FROM unnest($6::text[], $7::bigint[], $8::smallint[], $9::bigint[])
    WITH ORDINALITY AS w (zone, list, rank, quota, place)
  ORDER BY w.place
), zones AS MATERIALIZED (
  SELECT z.zone, z.day FROM unnest($10::text[], $11::text[]::date[]) AS z (zone, day)
), present AS MATERIALIZED (
  SELECT a.agent, greatest(0, $13::bigint - (
    SELECT count(*) FROM outdial.leads l
    WHERE l.status = 'leased' AND l.campaign_id = $1::bigint AND l.holder = a.agent)) AS room
  FROM unnest($12::bigint[]) AS a (agent)
), candidates AS MATERIALIZED (
  SELECT due.*, p.room,
         row_number() OVER (PARTITION BY p.agent ORDER BY -due.rank, due.next_at) AS nth
  FROM present p CROSS JOIN zones z CROSS JOIN LATERAL (
    SELECT l.id, l.rank, l.time_zone, l.next_at FROM outdial.leads l
    WHERE l.status = 'ready' AND l.campaign_id = $1::bigint AND l.holder = p.agent
      AND l.time_zone = z.zone AND l.next_at <= now()
    ORDER BY -l.rank, l.next_at
    LIMIT p.room) due
), held AS MATERIALIZED (
  SELECT own.id, own.time_zone, 0::bigint AS place
  FROM candidates c CROSS JOIN LATERAL (
    SELECT l.id, l.time_zone FROM outdial.leads l
    WHERE l.campaign_id = $1::bigint AND l.id = c.id AND l.status = 'ready' AND l.holder IS NOT NULL
    LIMIT 1 FOR UPDATE SKIP LOCKED) own
  WHERE c.nth <= c.room
), shared AS MATERIALIZED (
  SELECT due.id, due.time_zone, w.place
  FROM wanted w CROSS JOIN LATERAL (
    SELECT l.id, l.time_zone FROM outdial.leads l
    WHERE l.status = 'ready' AND l.holder IS NULL AND l.campaign_id = $1::bigint
      AND l.time_zone = w.zone AND coalesce(l.list_id, 0) = w.list
      AND -l.rank = -w.rank AND l.next_at <= now()
    ORDER BY l.next_at
    LIMIT w.quota
    FOR UPDATE SKIP LOCKED) due
  LIMIT greatest(0, $2::bigint - (SELECT count(*) FROM held))
), picked AS MATERIALIZED (
  SELECT l.id, l.list_id, l.rank, l.next_at, l.attempts, l.next_position, l.time_zone, l.skill, l.holder,
         l.owner_until, l.callback_at, l.callback_agent, l.callback_tries, l.last_outcome,
         l.last_count, u.place, z.day, nextval('outdial.lease_seq') AS lease
  FROM (SELECT * FROM held UNION ALL SELECT * FROM shared) u
  JOIN outdial.leads l ON l.campaign_id = $1::bigint AND l.id = u.id
  JOIN zones z ON z.zone = u.time_zone
), numbers AS MATERIALIZED (
  -- LIMIT keeps each look-up an index scan of its own, whatever the planner believes of the sizes.
  SELECT p.lease, p.id, p.place, n.number, n.guard, n.position, n.attempts,
         n.position < p.next_position AS later,
         d.hit IS NOT NULL AS forbidden,
         coalesce(g.total, false) OR p.callback_at IS NULL
           AND (n.attempts >= $15::integer OR p.attempts >= $14::integer) AS spent,
         coalesce(g.today, false) AS capped
  FROM picked p
  CROSS JOIN LATERAL (
    SELECT number, position, attempts, outdial.guard_key(number, $20::boolean) AS guard
    FROM outdial.lead_numbers
    WHERE campaign_id = $1::bigint AND lead_id = p.id LIMIT 10) n
  LEFT JOIN LATERAL (
    SELECT true AS hit FROM outdial.do_not_call
    WHERE number = n.number AND (campaign_id IS NULL OR campaign_id = $1::bigint) LIMIT 1) d ON true
  LEFT JOIN LATERAL (
    SELECT day = p.day AND day_attempts >= $16::integer AS today, total_attempts >= $17::integer AS total
    FROM outdial.number_guard WHERE number = n.guard LIMIT 1) g ON true
), claimed AS (
  INSERT INTO outdial.number_guard AS g (number, lease_id, node, campaign_id, lead_id, claimed_at)
  SELECT c.guard, c.lease, $3::text, $1::bigint, c.id, now()
  FROM (SELECT DISTINCT ON (guard) guard, lease, id FROM numbers
        WHERE NOT forbidden AND NOT spent AND NOT capped ORDER BY guard, place, lease) c
  ORDER BY c.guard
  ON CONFLICT (number) DO UPDATE
    SET lease_id = excluded.lease_id, node = excluded.node, campaign_id = excluded.campaign_id,
        lead_id = excluded.lead_id, claimed_at = excluded.claimed_at
    WHERE g.lease_id IS NULL
  RETURNING g.number, g.lease_id
), fate AS (
  SELECT p.id, p.lease,
         count(c.number) > 0 AS leased,
         count(n.number) FILTER (WHERE NOT n.forbidden) = 0 AS forbidden,
         count(n.number) FILTER (WHERE NOT n.forbidden AND NOT n.spent) = 0 AS spent,
         count(n.number) FILTER (WHERE NOT n.forbidden AND NOT n.spent AND NOT n.capped) = 0 AS capped,
         count(n.number) = 0 AS empty
  FROM picked p
  LEFT JOIN numbers n ON n.lease = p.lease
  LEFT JOIN claimed c ON c.lease_id = p.lease AND c.number = n.guard
  GROUP BY p.id, p.lease
), settled AS (
  UPDATE outdial.leads l SET
    status = CASE WHEN f.leased THEN 'leased' WHEN f.forbidden OR f.spent THEN 'done' ELSE 'ready' END,
    reason = CASE WHEN f.leased THEN NULL WHEN f.empty THEN 'no_number'
                  WHEN f.forbidden THEN 'do_not_call' WHEN f.spent THEN 'max_attempts' ELSE l.reason END,
    next_at = CASE WHEN f.leased OR f.forbidden OR f.spent THEN l.next_at
                   WHEN f.capped THEN now() + make_interval(secs => $19::float8)
                   ELSE now() + make_interval(secs => $18::float8) END,
    lease_id = CASE WHEN f.leased THEN f.lease END,
    lease_node = CASE WHEN f.leased THEN $3::text END,
    lease_epoch = CASE WHEN f.leased THEN $4::integer END,
    lease_expires_at = CASE WHEN f.leased THEN to_timestamp($5::bigint / 1000.0) END
  FROM fate f
  WHERE l.campaign_id = $1::bigint AND l.id = f.id
)
SELECT p.lease, p.id, p.attempts, p.time_zone, n.number, n.position, n.attempts AS number_attempts,
       coalesce(p.list_id, 0) AS list, coalesce(li.weight, 1) AS weight,
       (p.rank + coalesce(li.priority, 0))::integer AS priority, p.skill, p.holder, p.callback_agent,
       floor(extract(epoch FROM p.owner_until) * 1000)::bigint AS owner_until_ms,
       floor(extract(epoch FROM p.callback_at) * 1000)::bigint AS callback_at_ms,
       p.callback_tries, p.last_outcome, p.last_count
FROM picked p
JOIN numbers n ON n.lease = p.lease
JOIN claimed c ON c.lease_id = p.lease AND c.number = n.guard
LEFT JOIN outdial.lists li ON li.id = p.list_id
ORDER BY p.place, -p.rank, p.next_at, p.lease, n.later, n.position
