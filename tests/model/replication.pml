/*
 * The replication protocol: store, order, apply, answer, collect, change of members, recover. README.md beside this
 * file says what is left out and why that is allowed; model_test.py runs the configurations that have to hold and the
 * planted errors that have to be found.
 *
 * What a node does at one moment is one d_step, so that the states between its statements are not searched. A node that
 * is slow, cut off or down is one that takes no step. Nothing here is ever obliged to happen: a step that is lost for
 * good (a message, a request to etcd) is one that isn't taken.
 */

/* Sizes and what may go wrong, each counted over the whole run. */
#ifndef NODES
#define NODES 3             /* at most 4 */
#endif
#ifndef VOTERS
#define VOTERS NODES        /* nodes 0 to VOTERS - 1 are voters at the start, the others are learners */
#endif
#ifndef BATCHES
#define BATCHES 2
#endif
#ifndef CRASHES
#define CRASHES 0           /* a process ends and is started again; its disk stays */
#endif
#ifndef EXPIRIES
#define EXPIRIES 0          /* a lease expires while the process lives and does not know it */
#endif
#ifndef UNKNOWN
#define UNKNOWN 0           /* transactions that are executed at any time after they were sent, or never */
#endif
#ifndef MEMBER_CHANGES
#define MEMBER_CHANGES 0    /* one voter added or removed */
#endif
#ifndef DESTROYED
#define DESTROYED 0         /* disks lost for good */
#endif
#ifndef RECOVER
#define RECOVER 1           /* etcd is lost, at any moment: 1, or only seems to be, and lives on for the others: 2 */
#endif

#define NONE 0              /* no session: sessions count from 1 */
#define NEVER 255           /* not ordered, not ended */

#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) >> (n)) & 1)
#define COUNT(set) (HAS(set, 0) + HAS(set, 1) + HAS(set, 2) + HAS(set, 3))
#define MAJORITY(set, of) (COUNT((set) & (of)) * 2 > COUNT(of))
#ifdef PLANT_RECOVER_UNFENCED
#define RUNS(n) (!HAS(destroyed, n))
#else
#define RUNS(n) (!HAS(destroyed | fenced, n))
#endif

/* ---- etcd: one history; a revision is represented by how many order records were there before it --------------- */

byte order[BATCHES];                   /* the order records' batches */
byte ordered;                          /* how many */
byte position[BATCHES] = NEVER;        /* of a batch in `order` */
byte ended_at[BATCHES + 1] = NEVER;    /* of a session: how many order records there were when its key was deleted */
byte sessions;                         /* opened so far; a session is opened with its first batch, so BATCHES suffice */
byte version;                          /* of members: 0, 1, ... for its mod revisions */
byte voters[MEMBER_CHANGES + 1];       /* of a version: set of nodes */
byte change_at[MEMBER_CHANGES + 1];    /* of a version: how many order records there were */
byte request[BATCHES];                 /* transaction under way: 1 + the version of members that it compares, or 0 */
bool trimmed[BATCHES];                 /* only planted, see PLANT_TRIM_UNFENCED */

/* ---- nodes: durable -------------------------------------------------------------------------------------------- */

byte staged[BATCHES];                  /* of a batch: set of nodes */
byte applied[NODES];                   /* how many order records */
byte history[NODES * BATCHES];         /* what a node applied: 1 + batch */
byte known[NODES];                     /* version of members that it has processed, between the order records */
byte destroyed;                        /* set of nodes whose disks are lost */
byte fenced;                           /* set of nodes that `cluster recover` was given */
byte recovered;                        /* length of the longest applied prefix there */
byte ever_voter;                       /* set of nodes: batches are only sent to voters, by senders who may be behind */

/* ---- nodes: volatile ------------------------------------------------------------------------------------------- */

byte session[NODES];                   /* that the process believes to have */
byte acked[BATCHES];                   /* set of voters whose acknowledgement its proposer has */

/* ---- batches, numbered as they are proposed -------------------------------------------------------------------- */

byte proposed;
byte proposer[BATCHES];
byte session_of[BATCHES];

/* The longest prefix that anybody outside was shown. Since effects are prefixes, so is what was acknowledged. It is
   raised at the earliest moment that the rules allow, which is the worst case for everything that is asserted. */
byte answered;

byte crashes, expiries, unknown, lost_disks;

/* What is asserted, by name, so that a violation says which. All are set and used within one step. */
hidden byte order_record_stored_by_majority;
hidden byte ordered_once;
hidden byte every_record_obtainable;
hidden byte one_history;
hidden byte recover_keeps_answered;
hidden byte recover_keeps_order_of_answered;
hidden byte recover_orders_once;
hidden byte everybody_applied_everything;
hidden byte nothing_of_ended_sessions_staged;

hidden byte i, j, k, m, s, set, holders, latest, longest, place;

/* ---- Answer ---------------------------------------------------------------------------------------------------- */

/* A node shows an order record and what rests on it only when it has applied it and a majority of the voters, as far as
   it knows the members, has durably applied it. The design once said: when the proposer has applied it. The planted
   PLANT_ANSWER_WHEN_APPLIED_HERE is that rule; see README.md for what recover then does. */
inline raise_answered() {
#ifdef PLANT_ANSWER_WHEN_APPLIED_HERE
  skip  /* raised where a node applies */
#else
  for (i : 0 .. NODES - 1) {
    for (k : answered + 1 .. applied[i]) {
      set = 0;
      for (m : 0 .. NODES - 1) { if :: applied[m] >= k -> set = set | BIT(m) :: else fi }
      if :: MAJORITY(set, voters[known[i]]) -> answered = k :: else fi
    }
  }
#endif
}

/* ---- What holds in every state --------------------------------------------------------------------------------- */

/* Any minority of the voters may lose its disks now: whichever majority is left, it holds every ordered batch. */
inline check_obtainable() {
  every_record_obtainable = true;
  for (i : 0 .. ordered - 1) {
    holders = staged[order[i]];
    for (m : 0 .. NODES - 1) { if :: applied[m] > i -> holders = holders | BIT(m) :: else fi }
    for (set : 1 .. BIT(NODES) - 1) {
      if
      :: (set & destroyed) == 0 && MAJORITY(set, voters[version]) && (set & holders) == 0 ->
         every_record_obtainable = false
      :: else
      fi
    }
  }
  assert(every_record_obtainable)
}

inline check_history() {
  one_history = true;
  for (i : 0 .. NODES - 1) {
    for (m : 0 .. i) {
      for (k : 0 .. BATCHES - 1) {
        if
        :: k < applied[i] && k < applied[m] && history[i * BATCHES + k] != history[m * BATCHES + k] ->
           one_history = false
        :: else
        fi
      }
    }
  }
  assert(one_history)
}

/* What `cluster recover` sees on the disks of the nodes of `set`. */
inline look_at_disks() {
  latest = 0;
  longest = 0;
  for (m : 0 .. NODES - 1) {
    if
    :: HAS(set, m) ->
       if :: known[m] > latest -> latest = known[m] :: else fi;
       if :: applied[m] > longest -> longest = applied[m] :: else fi
    :: else
    fi
  }
}

/* It accepts a majority of the voters of the latest configuration that one of the nodes knows. */
#ifdef RECOVER_FROM_EVERY_NODE
#define ACCEPTED (set == BIT(NODES) - 1)
#else
#define ACCEPTED ((set & destroyed) == 0 && MAJORITY(set, voters[latest]))
#endif

/* etcd is lost now. Whichever nodes are given: the longest applied prefix there, then what is still staged there, by
   session and number, is the new order. */
inline check_recover() {
  recover_keeps_answered = true;
  recover_keeps_order_of_answered = true;
  recover_orders_once = true;
  for (set : 1 .. BIT(NODES) - 1) {
    look_at_disks();
    if
    :: ACCEPTED ->
       place = longest;
       k = (longest < answered -> longest : answered);
       for (s : 1 .. sessions) {
         for (j : 0 .. proposed - 1) {
           if
           :: session_of[j] == s && (staged[j] & set) != 0 && position[j] >= longest ->
              if
              :: position[j] < answered ->
                 k++;
                 if :: position[j] != place -> recover_keeps_order_of_answered = false :: else fi
              :: else
              fi;
              place++
#ifdef PLANT_RECOVER_WHAT_WAS_APPLIED
           :: session_of[j] == s && (staged[j] & set) != 0 && position[j] < longest -> recover_orders_once = false
#endif
           :: else
           fi
         }
       }
       if :: k < answered -> recover_keeps_answered = false :: else fi;
       if
       :: !recover_keeps_answered || !recover_keeps_order_of_answered || !recover_orders_once ->
          printf("etcd is lost; recover is given nodes set %d\n", set);
          break
       :: else
       fi
    :: else
    fi
  }
  assert(recover_keeps_answered);
  assert(recover_keeps_order_of_answered);
  assert(recover_orders_once)
}

/* The nodes that recover was given take no part in the old order any more; others may not know, and their etcd may
   live. What they still show to anybody has to be in the new order. */
inline check_recovered() {
  recover_keeps_answered = fenced == 0 || answered <= recovered;
  assert(recover_keeps_answered)
}

inline check() {
  raise_answered();
#ifndef RECOVER_ALONE
  check_obtainable();
#endif
  check_history();
#if RECOVER == 1
  check_recover();
#elif RECOVER == 2
  check_recovered();
#endif
  set = 0
}

/* ---- Order ----------------------------------------------------------------------------------------------------- */

#define ENDED(b) (ended_at[session_of[b]] != NEVER)
#define PROCESS_HAS_SESSION(b) (session[proposer[b]] == session_of[b])

/* A majority as its proposer counts it, under a version of members. */
#ifdef PLANT_MAJORITY_COUNTED_TWICE
/* One voter's acknowledgement arrives twice, after the batch was sent twice, and is counted twice. */
#define COUNTED(b, v) ((COUNT(acked[b] & voters[v]) + 1) * 2 > COUNT(voters[v]) && (acked[b] & voters[v]) != 0)
#else
#define COUNTED(b, v) MAJORITY(acked[b], voters[v])
#endif

/* The three comparisons of the transaction. */
#ifdef PLANT_NO_SESSION_COMPARE
#define SESSION_SAME(b) true
#else
#define SESSION_SAME(b) (!ENDED(b))
#endif
#ifdef PLANT_NO_MEMBERS_COMPARE
#define MEMBERS_SAME(v) true
#else
#define MEMBERS_SAME(v) ((v) == version)
#endif
#ifdef PLANT_NO_KEY_COMPARE
#define KEY_ABSENT(b) true
#else
#define KEY_ABSENT(b) (position[b] == NEVER || trimmed[b])
#endif

inline put_order_record(b) {
  printf("etcd puts order record %d: batch %d\n", ordered, b);
  ordered_once = position[b] == NEVER;
  assert(ordered_once);
#if !defined(CONSEQUENCES_ONLY) && !defined(RECOVER_ALONE)
  order_record_stored_by_majority = MAJORITY(acked[b], voters[version]);
  assert(order_record_stored_by_majority);
#endif
  order[ordered] = b;
  position[b] = ordered;
  ordered++;
  /* A request that comes later fails by the key, so that the count is of no more use. */
  if :: request[b] == 0 -> acked[b] = 0 :: else fi
}

/* The proposer's part for one batch, and etcd's. */
proctype ordering(byte b) {
end:
  do
  /* Answered at once. That the answer is lost on its way needs no step: the proposer goes by its watch. */
  :: d_step { b < proposed && PROCESS_HAS_SESSION(b) && position[b] == NEVER && SESSION_SAME(b) &&
              COUNTED(b, version) ->
              put_order_record(b);
              check() }
#ifdef PLANT_NO_MEMBERS_COMPARE
  :: d_step { b < proposed && PROCESS_HAS_SESSION(b) && position[b] == NEVER && SESSION_SAME(b) &&
              version > 0 && COUNTED(b, version - 1) ->
              printf("batch %d was counted under older members\n", b);
              put_order_record(b);
              check() }
#endif
  /* Sent, and the answer does not come. The proposer may send again, above, while this one is still under way. It does
     not send again what its watch has shown to be ordered. */
  :: d_step { unknown < UNKNOWN && b < proposed && PROCESS_HAS_SESSION(b) && request[b] == 0 && COUNTED(b, version) &&
              !(applied[proposer[b]] > position[b]) && !ENDED(b) && position[b] == NEVER ->
              printf("node %d sends the transaction for batch %d and gets no answer\n", proposer[b], b);
              unknown++;
              request[b] = 1 + version }
  :: d_step { request[b] != 0 ->
              if
              :: SESSION_SAME(b) && MEMBERS_SAME(request[b] - 1) && KEY_ABSENT(b) ->
                 printf("the transaction that had no answer is executed\n");
                 put_order_record(b)
              :: else -> printf("the transaction for batch %d that had no answer fails\n", b)
              fi;
              request[b] = 0;
              if :: position[b] != NEVER -> acked[b] = 0 :: else fi;
              check() }
#ifdef PLANT_TRIM_UNFENCED
  /* Everybody has applied it, so the record is removed, and the comparison "the key does not exist" holds again. */
  :: d_step { position[b] != NEVER && !trimmed[b] && request[b] != 0 ->
              set = 0;
              for (m : 0 .. NODES - 1) { if :: applied[m] > position[b] -> set = set | BIT(m) :: else fi };
              if
              :: (voters[version] & ~set) == 0 -> printf("the order key of batch %d is trimmed\n", b); trimmed[b] = true
              :: else
              fi;
              set = 0 }
#endif
  od
}

/* ---- Store and collect ----------------------------------------------------------------------------------------- */

/* The watch has shown the deletion of the session's key, so everything before it is applied here. What is still staged
   then was not ordered. */
#ifdef PLANT_EARLY_COLLECT
#define END_SEEN(n, b) true
#else
#define END_SEEN(n, b) (applied[n] >= ended_at[session_of[b]])
#endif

proctype copy(byte n; byte b) {
end:
  do
  /* The message may arrive long after its sender's end. Refused once the end of its session was seen: nobody would
     collect it. The acknowledgement reaches the process that proposed it, or nobody. */
  :: d_step { b < proposed && RUNS(n) && HAS(ever_voter, n) && !HAS(staged[b], n) &&
              applied[n] <= position[b] && applied[n] < ended_at[session_of[b]] ->
              printf("node %d stages batch %d of node %d\n", n, b, proposer[b]);
              staged[b] = staged[b] | BIT(n);
              if :: PROCESS_HAS_SESSION(b) && position[b] == NEVER -> acked[b] = acked[b] | BIT(n) :: else fi;
              check() }
  :: d_step { HAS(staged[b], n) && RUNS(n) && ENDED(b) && END_SEEN(n, b) ->
              printf("node %d collects batch %d\n", n, b);
              staged[b] = staged[b] & ~BIT(n);
              check() }
  od
}

/* ---- A node: propose, apply, learn of members, learn that its session has ended -------------------------------- */

/* Which node proposes is open, except that nodes of a kind are interchangeable: they are named as they come. */
#define PROPOSED_BEFORE(n) ((proposed > 0 && proposer[0] == (n)) || \
                            (BATCHES > 1 && proposed > 1 && proposer[1 % BATCHES] == (n)) || \
                            (BATCHES > 2 && proposed > 2 && proposer[2 % BATCHES] == (n)))
#define NAMED_AS_THEY_COME(n) ((n) == 0 || (n) == VOTERS || PROPOSED_BEFORE((n) - 1))

/* What a process that ends, or gives its session up, no longer knows. A count that is kept has no other use than the
   assertion about a transaction under way. */
inline forget_session(n) {
  for (j : 0 .. proposed - 1) {
    if :: proposer[j] == n && session_of[j] == session[n] && request[j] == 0 -> acked[j] = 0 :: else fi
  }
  session[n] = NONE
}

proctype node(byte n) {
end:
  do
  :: d_step { proposed < BATCHES && RUNS(n) && NAMED_AS_THEY_COME(n) ->
              if :: session[n] == NONE -> sessions++; session[n] = sessions :: else fi;
              printf("node %d proposes batch %d in session %d\n", n, proposed, session[n]);
              proposer[proposed] = n;
              session_of[proposed] = session[n];
              proposed++ }

  /* The next order record: from staged, or from a node that has it. Nodes that are destroyed have nothing. */
  :: d_step { RUNS(n) && applied[n] < ordered ->
              i = order[applied[n]];
              set = staged[i];
              for (m : 0 .. NODES - 1) { if :: applied[m] > applied[n] -> set = set | BIT(m) :: else fi };
#ifdef PLANT_SKIP_WHAT_IS_ELSEWHERE
              if
              :: !HAS(set, n) -> printf("node %d skips order record %d\n", n, applied[n]); i = BATCHES
              :: else
              fi;
#endif
              if
              :: set != 0 ->
                 printf("node %d applies order record %d: batch %d\n", n, applied[n], i);
                 history[n * BATCHES + applied[n]] = 1 + i;
                 /* Members are watched in the same order as order records. */
                 for (k : known[n] + 1 .. version) {
                   if :: change_at[k] <= applied[n] -> known[n] = k :: else fi
                 }
                 applied[n] = applied[n] + 1;
                 if
                 :: i < BATCHES -> staged[i] = staged[i] & ~BIT(n)
                 :: else
                 fi;
#ifdef PLANT_ANSWER_WHEN_APPLIED_HERE
                 if
                 :: i < BATCHES && proposer[i] == n && PROCESS_HAS_SESSION(i) && answered < applied[n] ->
                    printf("node %d answers the callers of batch %d\n", n, i);
                    answered = applied[n]
                 :: else
                 fi;
#endif
                 check()
              :: else
              fi }

  :: d_step { RUNS(n) && known[n] < version && change_at[known[n] + 1] <= applied[n] ->
              known[n] = known[n] + 1;
              printf("node %d learns of version %d of members\n", n, known[n]);
              check() }

  /* A lease has expired and its process finds out, by its watch or by a transaction that failed. */
  :: d_step { session[n] != NONE && ended_at[session[n]] != NEVER ->
              printf("node %d gives session %d up\n", n, session[n]);
              forget_session(n) }
  od
}

/* ---- What goes wrong, and the operator ------------------------------------------------------------------------- */

#define PROCESS_WITH(s) (session[0] == (s) || session[1 % NODES] == (s) || session[2 % NODES] == (s) || \
                         session[3 % NODES] == (s))

proctype expiry(byte which) {
end:
  do
  :: d_step { which <= sessions && ended_at[which] == NEVER && PROCESS_WITH(which) && expiries < EXPIRIES ->
              printf("session %d expires, and its process does not know\n", which);
              expiries++;
              ended_at[which] = ordered }
  :: d_step { which <= sessions && ended_at[which] == NEVER && !PROCESS_WITH(which) ->
              printf("session %d, whose process ended, expires\n", which);
              ended_at[which] = ordered }
  od
}

/* A disk that was lost and its node's name. A voter that comes back with an empty disk isn't the same voter: its
   acknowledgements went with its disk. */
inline empty_disk(n) {
  for (j : 0 .. BATCHES - 1) {
    staged[j] = staged[j] & ~BIT(n);
    history[n * BATCHES + j] = 0
  }
  applied[n] = 0;
  known[n] = 0
}

/* Operator's rule: the next change waits until a majority of the voters has durably applied past the one before. A
   change adds or removes one voter, so that majorities before and after have a voter in common. */
inline change_members(which) {
  set = which;  /* before `version` counts on: an inline's arguments are text */
  version++;
  voters[version] = set;
  change_at[version] = ordered;
  ever_voter = ever_voter | set;
  printf("version %d of members: voters are nodes set %d\n", version, set)
}

#ifdef PLANT_CHANGE_BEFORE_THE_LAST_IS_APPLIED
#define LAST_CHANGE_APPLIED true
#else
#define KNOWS(n) (((n) < NODES && known[(n) % NODES] == version && !HAS(destroyed, n)) << (n))
#define LAST_CHANGE_APPLIED MAJORITY(KNOWS(0) | KNOWS(1) | KNOWS(2) | KNOWS(3), voters[version])
#endif

proctype faults(byte n) {
end:
  do
  :: d_step { crashes < CRASHES && session[n] != NONE ->
              printf("node %d crashes and is started again\n", n);
              crashes++;
              forget_session(n) }

  /* As long as a majority of the voters keeps its disks. */
  :: d_step { lost_disks < DESTROYED && !HAS(destroyed, n) &&
              (!HAS(voters[version], n) || MAJORITY(voters[version] & ~(destroyed | BIT(n)), voters[version])) ->
              lost_disks++;
              forget_session(n);
              empty_disk(n);
#ifdef PLANT_EMPTY_VOTER_RETURNS
              printf("node %d loses its disk and returns with an empty one\n", n);
#else
              printf("node %d loses its disk\n", n);
              destroyed = destroyed | BIT(n);
#endif
              check() }

#if MEMBER_CHANGES > 0
#ifdef PLANT_SWAP_VOTERS
  :: d_step { version < MEMBER_CHANGES && HAS(voters[version], n) && !HAS(voters[version], NODES - 1) &&
              LAST_CHANGE_APPLIED ->
              change_members((voters[version] & ~BIT(n)) | BIT(NODES - 1));
              check() }
#else
  :: d_step { version < MEMBER_CHANGES && HAS(voters[version], n) && LAST_CHANGE_APPLIED &&
              COUNT(voters[version]) > 1 &&
              MAJORITY(~destroyed, voters[version] & ~BIT(n)) ->
              change_members(voters[version] & ~BIT(n));
              check() }

  /* A learner, or a new machine in the place of one that was lost. */
  :: d_step { version < MEMBER_CHANGES && !HAS(voters[version], n) && LAST_CHANGE_APPLIED &&
              MAJORITY((~destroyed) | BIT(n), voters[version] | BIT(n)) ->
              if
              :: HAS(destroyed, n) ->
                 destroyed = destroyed & ~BIT(n);
#ifndef PLANT_ACKNOWLEDGEMENTS_OUTLIVE_DISK
                 for (j : 0 .. BATCHES - 1) { acked[j] = acked[j] & ~BIT(n) }
#endif
              :: else
              fi;
              change_members(voters[version] | BIT(n));
              check() }
#endif
#endif
  od
}

#if RECOVER == 2
proctype recovery(byte which) {
end:
  do
  :: d_step { fenced == 0 ->
              set = which;
              look_at_disks();
              if
              :: ACCEPTED ->
                 printf("recover is given nodes set %d\n", which);
                 fenced = which;
                 recovered = longest
              :: else
              fi;
              set = 0 }
  od
}
#endif

/* ---- When nothing more can happen ------------------------------------------------------------------------------ */

proctype the_end() {
  timeout ->
  d_step {
    everybody_applied_everything = true;
    nothing_of_ended_sessions_staged = true;
    for (m : 0 .. NODES - 1) {
      if :: fenced == 0 && RUNS(m) && applied[m] < ordered -> everybody_applied_everything = false :: else fi
    }
    for (j : 0 .. proposed - 1) {
      if :: fenced == 0 && ENDED(j) && staged[j] != 0 -> nothing_of_ended_sessions_staged = false :: else fi
    }
    assert(everybody_applied_everything);
    assert(nothing_of_ended_sessions_staged)
  }
}

init {
  atomic {
    voters[0] = BIT(VOTERS) - 1;
    ever_voter = voters[0];
    for (i : 0 .. NODES - 1) {
      run node(i);
      run faults(i);
      for (j : 0 .. BATCHES - 1) { run copy(i, j) }
    }
    for (j : 0 .. BATCHES - 1) {
      run ordering(j);
      run expiry(j + 1)
    }
#if RECOVER == 2
    for (i : 1 .. BIT(NODES) - 1) { run recovery(i) }
#endif
    run the_end()
  }
}
