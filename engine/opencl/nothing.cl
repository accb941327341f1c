/* Does nothing: what a launch costs. */
__kernel void nothing(void)
{
}
