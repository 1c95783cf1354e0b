#include "config.h"

#include "thrift_read.h"

static void
bad(struct thrift_read *t, const char *why)
{
	if (!t->bad)
		t->bad = why;
	t->p = t->end;
}

static uint8_t
byte(struct thrift_read *t)
{
	if (t->p < t->end)
		return *t->p++;
	bad(t, "it ends too early");
	return 0;
}

static uint64_t
varint(struct thrift_read *t)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = byte(t);

		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	bad(t, "an integer is too long");
	return 0;
}

static int64_t
zigzag(struct thrift_read *t)
{
	uint64_t v = varint(t);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

int
thrift_read_next(struct thrift_read *t, struct thrift_read_field *f)
{
	uint8_t head = byte(t);
	int64_t id;

	if (t->bad || (f->type = head & 0x0f) == WIRE_STOP)
		return 0;
	if (f->type > WIRE_UUID) {
		bad(t, "a field has an unknown type");
		return 0;
	}
	id = head >> 4 ? f->id + (head >> 4) : zigzag(t);
	if (id < INT16_MIN || id > INT16_MAX)
		bad(t, "a field number is out of range");
	f->id = (int32_t)id;
	return !t->bad;
}

int64_t
thrift_read_int(struct thrift_read *t, const struct thrift_read_field *f, int64_t min, int64_t max)
{
	int64_t v = 0;

	if (f->type == WIRE_BYTE)
		v = (int8_t)byte(t);
	else if (f->type == WIRE_I16 || f->type == WIRE_I32 || f->type == WIRE_I64)
		v = zigzag(t);
	else
		bad(t, "a field that should be an integer is none");
	if (!t->bad && (v < min || v > max))
		bad(t, "an integer is out of range");
	return t->bad ? 0 : v;
}

int
thrift_read_bool(struct thrift_read *t, const struct thrift_read_field *f)
{
	if (f->type != WIRE_TRUE && f->type != WIRE_FALSE)
		bad(t, "a field that should be a boolean is none");
	return !t->bad && f->type == WIRE_TRUE;
}

void
thrift_read_bytes(struct thrift_read *t, const struct thrift_read_field *f, const char **p, uint32_t *n)
{
	uint64_t want = 0;

	if (f->type == WIRE_BINARY)
		want = varint(t);
	else
		bad(t, "a field that should be a text is none");
	if (!t->bad && want > (uint64_t)(t->end - t->p))
		bad(t, "a text is longer than what holds it");
	*p = (const char *)t->p;
	*n = t->bad ? 0 : (uint32_t)want;
	t->p += *n;
}

uint32_t
thrift_read_list(struct thrift_read *t, const struct thrift_read_field *f, struct thrift_read_field *element)
{
	uint64_t n = 0;
	uint8_t head = 0;

	if (f->type == WIRE_LIST || f->type == WIRE_SET) {
		head = byte(t);
		n = head >> 4;
		if (n == 15)
			n = varint(t);
	} else
		bad(t, "a field that should be a list is none");
	element->id = 0;
	element->type = head & 0x0f;
	if (n && (element->type == WIRE_STOP || element->type > WIRE_UUID))
		bad(t, "a list has elements of an unknown type");
	/* the shortest element is one byte; also keeps the number within what its caller allocates for */
	if (!t->bad && (n > (uint64_t)(t->end - t->p) || n > UINT32_MAX))
		bad(t, "a list is longer than what holds it");
	return t->bad ? 0 : (uint32_t)n;
}

int
thrift_read_struct(struct thrift_read *t, const struct thrift_read_field *f)
{
	if (f->type != WIRE_STRUCT)
		bad(t, "a field that should be a structure is none");
	return !t->bad;
}

static void	skip(struct thrift_read *, uint8_t type, unsigned depth);

static void
skip_bytes(struct thrift_read *t, uint64_t n)
{
	if (n > (uint64_t)(t->end - t->p))
		bad(t, "it ends too early");
	else
		t->p += n;
}

/* Elements of a container: booleans take a byte there. */
static void
skip_elements(struct thrift_read *t, uint64_t n, uint8_t type, unsigned depth)
{
	for (; n && !t->bad; n--)
		if (type == WIRE_TRUE || type == WIRE_FALSE)
			byte(t);
		else
			skip(t, type, depth);
}

static void
skip_map(struct thrift_read *t, unsigned depth)
{
	uint64_t n = varint(t);
	uint8_t kinds = n ? byte(t) : 0;

	for (; n && !t->bad; n--) {
		skip_elements(t, 1, kinds >> 4, depth);
		skip_elements(t, 1, kinds & 0x0f, depth);
	}
}

static void
skip(struct thrift_read *t, uint8_t type, unsigned depth)
{
	struct thrift_read_field f = { .type = type }, element;
	uint32_t n;

	if (depth == 0) {
		bad(t, "structures are nested too deeply");
		return;
	}
	switch (type) {
	case WIRE_TRUE: case WIRE_FALSE:
		break;
	case WIRE_BYTE:
		byte(t);
		break;
	case WIRE_I16: case WIRE_I32: case WIRE_I64:
		varint(t);
		break;
	case WIRE_DOUBLE:
		skip_bytes(t, 8);
		break;
	case WIRE_BINARY:
		skip_bytes(t, varint(t));
		break;
	case WIRE_LIST: case WIRE_SET:
		n = thrift_read_list(t, &f, &element);
		skip_elements(t, n, element.type, depth - 1);
		break;
	case WIRE_MAP:
		skip_map(t, depth - 1);
		break;
	case WIRE_STRUCT:
		for (f.id = 0; thrift_read_next(t, &f); )
			skip(t, f.type, depth - 1);
		break;
	case WIRE_UUID:
		skip_bytes(t, 16);
		break;
	default:
		bad(t, "a value has an unknown type");
	}
}

void
thrift_read_skip(struct thrift_read *t, const struct thrift_read_field *f)
{
	skip(t, f->type, THRIFT_READ_DEPTH);
}
