/* swap.c - the only user of liburcu; its `bp` flavour, which registers a thread
 * at its first use: the threads of an HTTP server's pool are not ours to
 * prepare, and they sleep outside any reading.
 * The thread sanitizer does not see into liburcu, so it is told what liburcu
 * promises: what a reader did before it left comes before what a replacer does
 * after its grace period. */
#include "base/swap.h"

#include <urcu-bp.h>

#ifdef __SANITIZE_THREAD__
#define TOLD_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TOLD_TSAN 1
#endif
#endif

#ifdef TOLD_TSAN
#include <sanitizer/tsan_interface.h>
#endif

static void
tell_left(struct swap *s)
{
#ifdef TOLD_TSAN
	__tsan_release(s);
#endif
	(void)s;
}

static void
tell_waited(struct swap *s)
{
#ifdef TOLD_TSAN
	__tsan_acquire(s);
#endif
	(void)s;
}

void
swap_init(struct swap *s, void *first)
{
	atomic_init(&s->now, first);
}

void *
swap_enter(struct swap *s)
{
	urcu_bp_read_lock();
	return atomic_load_explicit(&s->now, memory_order_acquire);
}

void
swap_leave(struct swap *s)
{
	tell_left(s);
	urcu_bp_read_unlock();
}

void *
swap_replace(struct swap *s, void *next)
{
	void *old =
	    atomic_exchange_explicit(&s->now, next, memory_order_acq_rel);

	urcu_bp_synchronize_rcu();
	tell_waited(s);
	return old;
}
